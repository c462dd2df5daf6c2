package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// special are the types whose JSON is not that of their fields: the decoder knows each by the name given here.
var special = map[reflect.Type]string{
	reflect.TypeFor[meta.Time]():                                  "time",
	reflect.TypeFor[meta.MicroTime]():                             "microtime",
	reflect.TypeFor[meta.Duration]():                              "duration",
	reflect.TypeFor[meta.FieldsV1]():                              "raw",
	reflect.TypeFor[resource.Quantity]():                          "quantity",
	reflect.TypeFor[intstr.IntOrString]():                         "intorstring",
	reflect.TypeFor[runtime.RawExtension]():                       "raw",
	reflect.TypeFor[apiextensions.JSON]():                         "raw",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       "schemaorarray",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        "schemaorbool",
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): "schemaorstrings",
}

var unsent = []string{"WatchEvent", "APIGroup", "APIVersions", "RangeAllocation", "SerializedReference"}

func isSent(kind string) bool {
	return kind == "DeleteOptions" ||
		!strings.HasSuffix(kind, "Options") && !strings.HasSuffix(kind, "List") && !slices.Contains(unsent, kind)
}

type table struct {
	Kinds    map[string]map[string]string // apiVersion, kind: message
	Messages map[string][]string          // message: "NUMBER NAME TYPE", see protobuf.py
}

func printTable(out *bufio.Writer, scheme *runtime.Scheme) {
	t := table{map[string]map[string]string{}, map[string][]string{}}
	for _, gvk := range kinds(scheme) {
		object, err := scheme.New(gvk)
		check(err)
		version, _ := gvk.ToAPIVersionAndKind()
		if gvk.Kind == "DeleteOptions" {
			version = "" // of every group
		}
		if t.Kinds[version] == nil {
			t.Kinds[version] = map[string]string{}
		}
		t.Kinds[version][gvk.Kind] = t.add(reflect.TypeOf(object).Elem())
	}
	// A message a line: small, and a change is seen where it is.
	fmt.Fprintf(out, "{\"kinds\": {\n%s},\n\"messages\": {\n%s}}\n", listed(t.Kinds), listed(t.Messages))
}

func listed[V any](of map[string]V) string {
	entries := []string{}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		value, err := json.Marshal(of[key])
		check(err)
		entries = append(entries, fmt.Sprintf("%q: %s", key, value))
	}
	return strings.Join(entries, ",\n")
}

var packages = regexp.MustCompile(`([a-z]+/v\d+)$`)

// add describes a struct, and what it is made of, once.
func (t table) add(of reflect.Type) string {
	name := packages.FindString(of.PkgPath()) + "." + of.Name()
	if _, there := t.Messages[name]; there {
		return name
	}
	t.Messages[name] = nil
	fields := []string{}
	for i := range of.NumField() {
		if field := of.Field(i); field.Tag.Get("protobuf") != "" {
			fields = append(fields, t.field(name, field))
		}
	}
	t.Messages[name] = fields
	return name
}

// field is "NUMBER NAME TYPE": the name ends in "!" where a zero value means something, and is "." for an embedded
// struct, whose fields stand in the JSON of the struct around it.
func (t table) field(message string, field reflect.StructField) string {
	number := strings.Split(field.Tag.Get("protobuf"), ",")[1]
	if _, err := strconv.Atoi(number); err != nil {
		log.Fatalf("%s.%s: %v", message, field.Name, err)
	}
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	isOptional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	switch {
	case strings.Contains(options, "inline") || field.Anonymous && name == "":
		name = "."
	case field.Type.Kind() == reflect.Pointer || !isOptional:
		name += "!"
	}
	return fmt.Sprintf("%s %s %s", number, name, t.typeName(field.Type))
}

func (t table) typeName(of reflect.Type) string {
	if name, is := special[of]; is {
		return name
	}
	switch of.Kind() {
	case reflect.Pointer:
		return t.typeName(of.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return of.Kind().String()
	case reflect.Float64:
		return "double"
	case reflect.Struct:
		return t.add(of)
	case reflect.Map:
		if value := t.typeName(of.Elem()); of.Key().Kind() == reflect.String && value != "bool" && value[:3] != "int" {
			return "{}" + value
		}
	case reflect.Slice:
		switch {
		case of.Elem().Kind() == reflect.Uint8:
			return "bytes"
		case of.Elem().Kind() == reflect.String && of.PkgPath() != "" && of.Name() != "":
			return "strings" // a message of its own around the list: ExtraValue, Verbs
		}
		return "[]" + t.typeName(of.Elem())
	}
	log.Fatalf("no type of the table for %v", of)
	return ""
}
