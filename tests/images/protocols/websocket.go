package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

const (
	text     = 1
	closing  = 8
	ping     = 9
	pong     = 10
	finished = 0x80
)

// open has the writers of the WebSockets there are.
var open sync.Map

func closeAll() {
	open.Range(func(writer, _ any) bool {
		writeFrame(writer.(*bufio.Writer), closing, binary.BigEndian.AppendUint16(nil, 1000))
		return true
	})
}

// websocket echoes messages as they come; frames are not joined.
func websocket(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + guid))
	connection, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer connection.Close()
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	stream.Flush()
	open.Store(stream.Writer, true)
	defer open.Delete(stream.Writer)
	for {
		kind, message, err := readFrame(stream.Reader)
		if err != nil {
			return
		}
		var code uint16
		switch {
		case kind == closing:
			writeFrame(stream.Writer, closing, message)
			return
		case kind == ping:
			kind = pong
		case kind == text && strings.HasPrefix(string(message), "close "):
			fmt.Sscanf(string(message), "close %d", &code)
			kind, message = closing, binary.BigEndian.AppendUint16(nil, code)
		case kind == text && string(message) == "hang":
			continue
		case kind == text:
			message = append(message, os.Getenv("SUFFIX")...)
		}
		writeFrame(stream.Writer, kind, message)
		if kind == closing {
			readFrame(stream.Reader)
			return
		}
	}
}

func readFrame(from *bufio.Reader) (byte, []byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(from, head); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		wide := make([]byte, 2)
		io.ReadFull(from, wide)
		size = uint64(binary.BigEndian.Uint16(wide))
	case 127:
		wide := make([]byte, 8)
		io.ReadFull(from, wide)
		size = binary.BigEndian.Uint64(wide)
	}
	rest := make([]byte, 4+size)
	if _, err := io.ReadFull(from, rest); err != nil {
		return 0, nil, err
	}
	message := rest[4:]
	for i := range message {
		message[i] ^= rest[i%4]
	}
	return head[0] & 0x0f, message, nil
}

func writeFrame(to *bufio.Writer, kind byte, message []byte) {
	to.WriteByte(finished | kind)
	switch size := len(message); {
	case size < 126:
		to.WriteByte(byte(size))
	case size < 65536:
		to.WriteByte(126)
		to.Write(binary.BigEndian.AppendUint16(nil, uint16(size)))
	default:
		to.WriteByte(127)
		to.Write(binary.BigEndian.AppendUint64(nil, uint64(size)))
	}
	to.Write(message)
	to.Flush()
}
