// Go's own reverse proxy, set up as Knative's activator and queue-proxy set theirs up: what benches compare with.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	backend, err := url.Parse(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{
			MaxIdleConns:        1000,
			MaxIdleConnsPerHost: 100,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Set("Forwarded", "for="+r.In.RemoteAddr+";proto=http")
		},
	}
	log.Fatal(http.ListenAndServe(os.Args[1], proxy))
}
