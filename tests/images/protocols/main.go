// Protocols is the function with which the tests try what is not a plain request: it speaks HTTP/1.1 and HTTP/2 without
// TLS on one port, gRPC by hand, and WebSocket.
//
// Environment: PORT (8080); ONLY_HTTP2 set: no HTTP/1.1; START_DELAY_MS: wait before listening; SUFFIX: ends each text
// echoed by WebSocket. At SIGTERM each WebSocket is closed with 1000.
//
// Paths
//
//	/echo.Echo/Unary     one message back               /echo.Echo/Collect   one message of all that came
//	/echo.Echo/Expand    each byte as a message         /echo.Echo/Chat      each message at once
//	/echo.Echo/Fail      status 5 without a message     /echo.Echo/Hang      nothing, until the caller leaves
//	/echo.Echo/Cut       one message, then a reset      /echo.Echo/Host      the name of the machine
//	/grpc.health.v1.Health/Check   that it serves
//	/ws                  WebSocket, echoes; "close N" closes with that code, "hang" waits
//	/events?n=&ms=       server-sent events, ms apart   /duplex              each piece of the body at once
//	/proto               what the request came as       /left                how many callers left /Hang
//	/count               how many bytes came            /bytes?n=            n bytes
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var left atomic.Int64

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := 0; n < number(r.URL.Query().Get("n"), 3); n++ {
		if n > 0 {
			time.Sleep(time.Duration(number(r.URL.Query().Get("ms"), 100)) * time.Millisecond)
		}
		fmt.Fprintf(w, "data: %d\n\n", n)
		w.(http.Flusher).Flush()
	}
}

func duplex(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.EnableFullDuplex()
	piece := make([]byte, 4096)
	for {
		n, err := r.Body.Read(piece)
		w.Write(piece[:n])
		control.Flush()
		if err != nil {
			return
		}
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { return len(into), nil }

func serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ws":
		websocket(w, r)
	case "/events":
		events(w, r)
	case "/duplex":
		duplex(w, r)
	case "/proto":
		fmt.Fprint(w, r.Proto)
	case "/left":
		fmt.Fprint(w, left.Load())
	case "/count":
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	case "/bytes":
		io.CopyN(w, zeros{}, int64(number(r.URL.Query().Get("n"), 0)))
	default:
		if r.URL.Path == "/grpc.health.v1.Health/Check" {
			call(w, r, "Check")
		} else if method, ok := strings.CutPrefix(r.URL.Path, "/echo.Echo/"); ok {
			call(w, r, method)
		} else {
			fmt.Fprintln(w, "ok")
		}
	}
}

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		closeAll()
		time.Sleep(100 * time.Millisecond)
		os.Exit(0)
	}()
	time.Sleep(time.Duration(number(os.Getenv("START_DELAY_MS"), 0)) * time.Millisecond)
	spoken := &http.Protocols{}
	spoken.SetUnencryptedHTTP2(true)
	spoken.SetHTTP1(os.Getenv("ONLY_HTTP2") == "")
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{Addr: ":" + port, Handler: http.HandlerFunc(serve), Protocols: spoken}
	log.Fatal(server.ListenAndServe())
}
