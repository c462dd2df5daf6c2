// Informer is client-go as operators use it: it lists and watches, and prints a line for everything that it sees.
//
// It watches Knative Services (as unstructured objects, in JSON) and ConfigMaps (typed, protobuf preferred) of one
// namespace. Lines are "watch PATH" for each way of watching that it took, "synced KIND N", and "add|update|delete KIND
// NAME". It ends when its standard input does. KUBE_FEATURE_WatchListClient chooses between streamed lists and plain ones.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var services = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}

var printing sync.Mutex

func say(format string, words ...any) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf(format+"\n", words...)
}

// told says how a watch was asked for.
type told struct{ http.RoundTripper }

func (t told) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	if query.Get("sendInitialEvents") == "true" {
		say("watch streaming %s", request.URL.Path)
	} else if query.Has("watch") {
		say("watch plain %s", request.URL.Path)
	}
	return t.RoundTripper.RoundTrip(request)
}

func follow(informer cache.SharedIndexInformer, kind string) {
	name := func(object any) string {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		found, err := meta.Accessor(object)
		if err != nil {
			return err.Error()
		}
		return found.GetName()
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { say("add %s %s", kind, name(object)) },
		UpdateFunc: func(_, object any) { say("update %s %s", kind, name(object)) },
		DeleteFunc: func(object any) { say("delete %s %s", kind, name(object)) },
	})
	must(err)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	must(err)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return told{next} })
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	untyped, err := dynamic.NewForConfig(config)
	must(err)
	typed, err := kubernetes.NewForConfig(config)
	must(err)
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(untyped, 0, "default", nil)
	core := informers.NewSharedInformerFactoryWithOptions(typed, 0, informers.WithNamespace("default"))
	found := map[string]cache.SharedIndexInformer{
		"Service":   factory.ForResource(services).Informer(),
		"ConfigMap": core.Core().V1().ConfigMaps().Informer(),
	}
	for kind, informer := range found {
		follow(informer, kind)
	}
	factory.Start(ctx.Done())
	core.Start(ctx.Done())
	for kind, informer := range found {
		if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			say("synced %s %d", kind, len(informer.GetStore().List()))
		}
	}
	<-ctx.Done()
}
