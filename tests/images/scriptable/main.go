// Scriptable is the function that the tests run: an HTTP/1.1 server whose behaviour is told by its environment and by the
// request's path. It prints "listening on PORT" when it starts and "METHOD PATH" for each request.
//
// Environment
//
//	PORT             where to listen (8080), unless LISTEN says otherwise
//	MESSAGE          what "/" answers ("ok")
//	START_DELAY_MS   wait that long before listening
//	NEVER_LISTEN     set: run for ever and never listen
//	EXIT_AT_START    print a line on stderr and exit with that code
//	FAIL_FIRST       answer the first N requests with FAIL_STATUS
//	FAIL_STATUS      (500)
//	READY_AFTER_MS   /healthz answers 503 until then
//	CE_REPLY_TYPE    answer each event with a new one of that type (CE_REPLY_SOURCE, CE_REPLY_DATA; default: the data received)
//	RECORD           set: keep the events received, GET /received lists them
//	IGNORE_SIGTERM   set: do not stop at SIGTERM
//
// Paths
//
//	/echo            the request as JSON          /env             the environment as JSON
//	/sleep?ms=       answer after a while         /status?code=    answer with that status
//	/bytes?n=        n bytes, streamed            /count           how many bytes the request's body has
//	/stream?n=&ms=   n flushed lines, ms apart    /exit?code=      answer, then exit
//	/fetch?url=      GET that, answer what comes  /file?path=     the content of a file
//	/crash           exit 2 without an answer     /stats           requests, in flight, most in flight at once
//	/received        events recorded              /healthz         readiness
//	anything else    MESSAGE, or the reply to an event
//
// /stats, /received and /healthz are neither counted nor failed by FAIL_FIRST nor printed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type event struct {
	Attributes map[string]string `json:"attributes"`
	Data       string            `json:"data"`
	Path       string            `json:"path"`
}

type server struct {
	mu       sync.Mutex
	started  time.Time
	requests int
	inFlight int
	most     int
	replies  int
	received []event
}

func env(name, otherwise string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return otherwise
}

func envInt(name string, otherwise int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return otherwise
}

func queryInt(r *http.Request, name string, otherwise int) int {
	if value, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return value
	}
	return otherwise
}

func sendJSON(w http.ResponseWriter, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// enter counts a request in and says which one it is, from 1.
func (s *server) enter() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.inFlight++
	if s.inFlight > s.most {
		s.most = s.inFlight
	}
	return s.requests
}

func (s *server) leave() {
	s.mu.Lock()
	s.inFlight--
	s.mu.Unlock()
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.observe(w, r) {
		return
	}
	fmt.Println(r.Method, r.URL.Path)
	nth := s.enter()
	defer s.leave()
	if nth <= envInt("FAIL_FIRST", 0) {
		io.Copy(io.Discard, r.Body)
		http.Error(w, fmt.Sprintf("request %d fails as FAIL_FIRST says", nth), envInt("FAIL_STATUS", 500))
		return
	}
	s.act(w, r)
}

// observe answers the paths that look at the server without disturbing its counts.
func (s *server) observe(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/stats":
		s.mu.Lock()
		defer s.mu.Unlock()
		sendJSON(w, map[string]int{"requests": s.requests, "in_flight": s.inFlight, "max_concurrency": s.most})
	case "/received":
		s.mu.Lock()
		defer s.mu.Unlock()
		sendJSON(w, append([]event{}, s.received...))
	case "/healthz":
		if time.Since(s.started) < time.Duration(envInt("READY_AFTER_MS", 0))*time.Millisecond {
			http.Error(w, "not ready yet", http.StatusServiceUnavailable)
		}
	default:
		return false
	}
	return true
}

func (s *server) act(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/echo":
		echo(w, r)
	case "/env":
		variables := map[string]string{}
		for _, pair := range os.Environ() {
			name, value, _ := strings.Cut(pair, "=")
			variables[name] = value
		}
		sendJSON(w, variables)
	case "/sleep":
		sleep(w, r)
	case "/status":
		w.WriteHeader(queryInt(r, "code", 200))
	case "/bytes":
		io.CopyN(w, zeros{}, int64(queryInt(r, "n", 0)))
	case "/count":
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, n)
	case "/stream":
		stream(w, r)
	case "/exit":
		fmt.Fprintln(w, "exiting")
		w.(http.Flusher).Flush()
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(queryInt(r, "code", 0)) })
	case "/file":
		http.ServeFile(w, r, r.URL.Query().Get("path"))
	case "/fetch":
		fetch(w, r)
	case "/crash":
		fmt.Fprintln(os.Stderr, "crash asked for")
		os.Exit(2)
	default:
		s.answer(w, r)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	sendJSON(w, map[string]interface{}{
		"method": r.Method, "path": r.URL.RequestURI(), "proto": r.Proto, "host": r.Host,
		"headers": r.Header, "body": string(body), "trailers": r.Trailer, "remote": r.RemoteAddr,
	})
}

// sleep ends early, without an answer, when the client goes away; it prints which of the two happened.
func sleep(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	select {
	case <-time.After(time.Duration(queryInt(r, "ms", 1000)) * time.Millisecond):
		fmt.Fprintln(w, "slept")
	case <-r.Context().Done():
		fmt.Println("client gone")
	}
}

// fetch answers with the status and body that a URL has for this container.
func fetch(w http.ResponseWriter, r *http.Request) {
	found, err := http.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer found.Body.Close()
	w.WriteHeader(found.StatusCode)
	io.Copy(w, found.Body)
}

func stream(w http.ResponseWriter, r *http.Request) {
	for i := 0; i < queryInt(r, "n", 3); i++ {
		fmt.Fprintf(w, "line %d\n", i)
		w.(http.Flusher).Flush()
		time.Sleep(time.Duration(queryInt(r, "ms", 100)) * time.Millisecond)
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = '0'
	}
	return len(into), nil
}

// answer takes an event (binary or structured) or a plain request.
func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	got, isEvent := parseEvent(r, body)
	if !isEvent {
		fmt.Fprintln(w, env("MESSAGE", "ok"))
		return
	}
	s.mu.Lock()
	s.replies++
	nth := s.replies
	if os.Getenv("RECORD") != "" {
		s.received = append(s.received, got)
	}
	s.mu.Unlock()
	replyType := os.Getenv("CE_REPLY_TYPE")
	if replyType == "" {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Ce-Specversion", "1.0")
	w.Header().Set("Ce-Id", fmt.Sprintf("%s-reply-%d", got.Attributes["id"], nth))
	w.Header().Set("Ce-Type", replyType)
	w.Header().Set("Ce-Source", env("CE_REPLY_SOURCE", "/kemu.test/scriptable"))
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, env("CE_REPLY_DATA", got.Data))
}

func parseEvent(r *http.Request, body []byte) (event, bool) {
	got := event{Attributes: map[string]string{}, Data: string(body), Path: r.URL.Path}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json") {
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil {
			return got, false
		}
		got.Data = string(members["data"])
		for name, raw := range members {
			if name != "data" {
				got.Attributes[name] = strings.Trim(string(raw), `"`)
			}
		}
		return got, true
	}
	for name, values := range r.Header {
		if attribute := strings.ToLower(name); strings.HasPrefix(attribute, "ce-") {
			got.Attributes[attribute[3:]] = values[0]
		}
	}
	if content := r.Header.Get("Content-Type"); content != "" {
		got.Attributes["datacontenttype"] = content
	}
	return got, got.Attributes["id"] != ""
}

func main() {
	if code, ok := os.LookupEnv("EXIT_AT_START"); ok {
		fmt.Fprintf(os.Stderr, "scriptable: exit %s at start, as EXIT_AT_START says\n", code)
		os.Exit(envInt("EXIT_AT_START", 1))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if os.Getenv("IGNORE_SIGTERM") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	if os.Getenv("NEVER_LISTEN") != "" {
		fmt.Println("never listening")
		<-stop
		return
	}
	time.Sleep(time.Duration(envInt("START_DELAY_MS", 0)) * time.Millisecond)
	port := env("LISTEN", env("PORT", "8080"))
	web := &http.Server{Addr: ":" + port, Handler: &server{started: time.Now()}}
	done := make(chan struct{})
	go func() {
		<-stop
		web.Shutdown(context.Background())
		close(done)
	}()
	fmt.Println("listening on", port)
	if err := web.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-done
}
