// Go's own reverse proxy with HTTP/2 without TLS on both sides, set up as Knative's activator and queue-proxy set theirs up.
// It needs Go 1.24.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	backend, err := url.Parse(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	h2c := &http.Protocols{}
	h2c.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Transport:     &http.Transport{Protocols: h2c, DisableCompression: true},
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Set("Forwarded", "for="+r.In.RemoteAddr+";proto=http")
		},
	}
	server := &http.Server{Addr: os.Args[1], Handler: proxy, Protocols: h2c}
	log.Fatal(server.ListenAndServe())
}
