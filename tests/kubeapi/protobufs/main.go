// What Go's own types say about protobuf, for emulator/kubeapi/protobuf.py and its tests.
//
//	table             prints emulator/kubeapi/protobuf.json: fields of every message that a client may send
//	bodies COUNT SEED prints COUNT randomly filled objects of each kind, as JSON and as protobuf bodies, one a line
//	encode            reads JSON objects, one a line, and prints them so
//	canonical         reads JSON objects, one a line, and prints what Go's types make of each
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistration.AddToScheme, apps.AddToScheme, authentication.AddToScheme, authorization.AddToScheme,
		autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batch.AddToScheme, coordination.AddToScheme,
		core.AddToScheme, discovery.AddToScheme, events.AddToScheme, networking.AddToScheme, policy.AddToScheme,
		rbac.AddToScheme, scheduling.AddToScheme, storage.AddToScheme, apiextensions.AddToScheme,
	} {
		check(add(scheme))
	}
	return scheme
}

// kinds are those that a client may send, in order: no lists, and of the options only those in a body.
func kinds(scheme *runtime.Scheme) []schema.GroupVersionKind {
	var found []schema.GroupVersionKind
	for gvk := range scheme.AllKnownTypes() {
		if isSent(gvk.Kind) && gvk.Version != runtime.APIVersionInternal {
			found = append(found, gvk)
		}
	}
	sort.Slice(found, func(a, b int) bool { return found[a].String() < found[b].String() })
	return found
}

func main() {
	log.SetFlags(0)
	out := bufio.NewWriter(os.Stdout)
	defer func() { check(out.Flush()) }()
	scheme := newScheme()
	switch {
	case len(os.Args) == 2 && os.Args[1] == "table":
		printTable(out, scheme)
	case len(os.Args) == 4 && os.Args[1] == "bodies":
		count, err := strconv.Atoi(os.Args[2])
		check(err)
		seed, err := strconv.ParseInt(os.Args[3], 10, 64)
		check(err)
		printBodies(out, scheme, count, seed)
	case len(os.Args) == 2 && os.Args[1] == "encode":
		lines := newLines(out, scheme)
		eachObject(scheme, lines.print)
	case len(os.Args) == 2 && os.Args[1] == "canonical":
		eachObject(scheme, func(object runtime.Object) { fmt.Fprintf(out, "%s\n", textOf(object)) })
	default:
		log.Fatal("usage: protobufs table | bodies COUNT SEED | encode | canonical")
	}
}

// line is one object of `bodies` and `encode`.
type line struct {
	Kind string          `json:"kind"`
	JSON json.RawMessage `json:"json"`
	Body []byte          `json:"body"`
}

type lines struct {
	serializer *protobuf.Serializer
	out        *json.Encoder
}

func newLines(out *bufio.Writer, scheme *runtime.Scheme) lines {
	return lines{protobuf.NewSerializer(scheme, scheme), json.NewEncoder(out)}
}

func (l lines) print(object runtime.Object) {
	body, err := runtime.Encode(l.serializer, object)
	check(err)
	check(l.out.Encode(line{object.GetObjectKind().GroupVersionKind().Kind, textOf(object), body}))
}

func printBodies(out *bufio.Writer, scheme *runtime.Scheme, count int, seed int64) {
	lines := newLines(out, scheme)
	filler := newFiller(seed)
	for _, gvk := range kinds(scheme) {
		for range count {
			object, err := scheme.New(gvk)
			check(err)
			filler.Fill(object)
			object.GetObjectKind().SetGroupVersionKind(gvk)
			lines.print(object)
		}
	}
}

// eachObject reads JSON objects from the standard input, one a line.
func eachObject(scheme *runtime.Scheme, act func(runtime.Object)) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var head struct{ APIVersion, Kind string }
		check(json.Unmarshal(lines.Bytes(), &head))
		object, err := scheme.New(schema.FromAPIVersionAndKind(head.APIVersion, head.Kind))
		check(err)
		if err := json.Unmarshal(lines.Bytes(), object); err != nil {
			log.Fatalf("%v: %s", err, lines.Bytes())
		}
		act(object)
	}
	check(lines.Err())
}

func textOf(object runtime.Object) []byte {
	text, err := json.Marshal(object)
	check(err)
	return text
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
