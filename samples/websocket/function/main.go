// Chat echoes what it is told over a WebSocket (RFC 6455), without a library: yours will use one.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

func chat(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if key == "" {
		http.Error(w, "a WebSocket lives here", http.StatusUpgradeRequired)
		return
	}
	connection, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	defer connection.Close()
	sum := sha1.Sum([]byte(key + guid))
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	stream.Flush()
	for {
		kind, message, err := receive(stream.Reader)
		if err != nil {
			return
		}
		if kind == 1 {
			message = append([]byte("chat: "), message...)
		}
		stream.Write([]byte{0x80 | kind, byte(len(message))})
		stream.Write(message)
		stream.Flush()
		if kind == 8 {
			return
		}
	}
}

// receive reads a frame with a message of up to 119 bytes: enough to chat.
func receive(from *bufio.Reader) (byte, []byte, error) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(from, head); err != nil {
		return 0, nil, err
	}
	message := make([]byte, head[1]&0x7f)
	if len(message) > 119 {
		return 0, nil, fmt.Errorf("too long")
	}
	if _, err := io.ReadFull(from, message); err != nil {
		return 0, nil, err
	}
	for i := range message {
		message[i] ^= head[2+i%4]
	}
	return head[0] & 0x0f, message, nil
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	log.Fatal(http.ListenAndServe(":"+port, http.HandlerFunc(chat)))
}
