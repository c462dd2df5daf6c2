package main

import (
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"strconv"
)

// A message of gRPC on the wire: a byte (0: not compressed), its length, itself. What it says is of no interest here.
func receive(r *http.Request) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r.Body, head); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r.Body, message)
	return message, err
}

func send(w http.ResponseWriter, message []byte) {
	head := make([]byte, 5)
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	w.Write(append(head, message...))
	w.(http.Flusher).Flush()
}

func call(w http.ResponseWriter, r *http.Request, method string) {
	w.Header().Set("Content-Type", "application/grpc")
	status := 0
	switch method {
	case "Unary":
		message, _ := receive(r)
		send(w, message)
	case "Host":
		receive(r)
		name, _ := os.Hostname()
		send(w, []byte(name))
	case "Check": // of grpc.health.v1.Health: status 1, serving
		receive(r)
		send(w, []byte{8, 1})
	case "Collect":
		var all []byte
		for message, err := receive(r); err == nil; message, err = receive(r) {
			all = append(all, message...)
		}
		send(w, all)
	case "Expand":
		message, _ := receive(r)
		for _, each := range message {
			send(w, []byte{each})
		}
	case "Chat":
		w.(http.Flusher).Flush()
		for message, err := receive(r); err == nil; message, err = receive(r) {
			send(w, message)
		}
	case "Hang":
		<-r.Context().Done()
		left.Add(1)
		return
	case "Cut":
		send(w, []byte("half"))
		panic(http.ErrAbortHandler)
	case "Fail":
		w.Header().Set("Grpc-Status", "5")
		w.Header().Set("Grpc-Message", "not here")
		w.WriteHeader(http.StatusOK)
		return
	default:
		status = 12
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(status))
}
