// Ping is a gRPC server without a library, so that it builds anywhere: ping.Ping/Say answers the message that came, and
// ping.Ping/Stream each message as it comes. On the wire of gRPC a message is a zero, its length and itself.
package main

import (
	"encoding/binary"
	"io"
	"log"
	"net/http"
	"os"
)

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	control.Flush()
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(r.Body, head); err != nil {
			break
		}
		message := make([]byte, binary.BigEndian.Uint32(head[1:]))
		io.ReadFull(r.Body, message)
		w.Write(append(head, message...))
		control.Flush()
	}
	w.Header().Set("Grpc-Status", "0")
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	http.HandleFunc("/ping.Ping/", answer)
	server := &http.Server{Addr: ":" + port, Protocols: protocols}
	log.Fatal(server.ListenAndServe())
}
