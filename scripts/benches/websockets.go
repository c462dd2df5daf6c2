// Both ends of a WebSocket for benches: websockets serve ADDRESS, or websockets load ADDRESS CONNECTIONS SECONDS.
//
// The server echoes. The load sends text and binary messages of 32 bytes in turn, the next when the last has come back on
// its connection, and prints how many came back in a second.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const size = 32

func serve(w http.ResponseWriter, r *http.Request) {
	connection, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	defer connection.Close()
	fmt.Fprint(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	stream.Flush()
	frame := make([]byte, 6+size)
	for {
		if _, err := io.ReadFull(stream, frame); err != nil {
			return
		}
		for i := range frame[6:] {
			frame[6+i] ^= frame[2+i%4]
		}
		frame[5], frame[4] = size, frame[0]
		stream.Write(frame[4:])
		stream.Flush()
	}
}

func load(address string, until time.Time) (int, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: hello.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n")
	from := bufio.NewReader(connection)
	for line := ""; line != "\r\n"; {
		if line, err = from.ReadString('\n'); err != nil {
			return 0, err
		}
	}
	frame, back, count := make([]byte, 6+size), make([]byte, 2+size), 0
	frame[1] = 0x80 | size
	for ; time.Now().Before(until); count++ {
		frame[0] = 0x81 + byte(count%2)
		if _, err := connection.Write(frame); err != nil {
			return count, err
		}
		if _, err := io.ReadFull(from, back); err != nil {
			return count, err
		}
	}
	return count, nil
}

func main() {
	if os.Args[1] == "serve" {
		log.Fatal(http.ListenAndServe(os.Args[2], http.HandlerFunc(serve)))
	}
	connections, _ := strconv.Atoi(os.Args[3])
	seconds, _ := strconv.ParseFloat(os.Args[4], 64)
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var all sync.WaitGroup
	counts := make([]int, connections)
	for i := range counts {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			count, err := load(os.Args[2], until)
			if err != nil {
				log.Fatal(err)
			}
			counts[i] = count
		}(i)
	}
	all.Wait()
	sum := 0
	for _, count := range counts {
		sum += count
	}
	fmt.Printf("%.0f\n", float64(sum)/seconds)
}
