// SPDX-License-Identifier: MIT

// What Go takes for the rows of the comparison: goroutines, timers and channels, on one thread.
//
// usage: bench ROW [COUNT]
package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	passes      = 9
	bufferBytes = 65536
)

var timeouts = []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second,
	60 * time.Second, 120 * time.Second}

func report(row string, value float64, unit string) {
	fmt.Printf("{\"row\": %q, \"value\": %.3f, \"unit\": %q}\n", row, value, unit)
}

func medianOf(count int, pass func() float64) float64 {
	var values []float64
	for i := 0; i < count; i++ {
		values = append(values, pass())
	}
	sort.Float64s(values)
	return values[count/2]
}

func median(pass func() float64) float64 {
	pass()
	return medianOf(passes, pass)
}

func per(start time.Time, count int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(count)
}

func cpu() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func memory() float64 {
	bytes := 0
	for _, path := range []string{"/proc/self/smaps_rollup", "/proc/self/status"} {
		file, _ := os.Open(path)
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if words := strings.Fields(lines.Text()); words[0] == "Rss:" || words[0] == "VmPTE:" {
				kib, _ := strconv.Atoi(words[1])
				bytes += kib * 1024
			}
		}
		file.Close()
	}
	return float64(bytes)
}

// --- goroutines ---

func yield(count int) {
	ends := false
	for i := 1; i < count; i++ {
		go func() {
			for !ends {
				runtime.Gosched()
			}
		}()
	}
	yields := max(1, 200000/count)
	report(fmt.Sprintf("yield-%d", count), median(func() float64 {
		start := time.Now()
		for i := 0; i < yields; i++ {
			runtime.Gosched()
		}
		return per(start, yields*count)
	}), "ns")
	ends = true
}

func spawn(int) {
	var group sync.WaitGroup
	report("spawn-1", median(func() float64 {
		start := time.Now()
		for i := 0; i < 100000; i++ {
			group.Add(1)
			go group.Done()
			group.Wait()
		}
		return per(start, 100000)
	}), "ns")
	report("spawn-10000", median(func() float64 {
		start := time.Now()
		for round := 0; round < 10; round++ {
			group.Add(10000)
			for i := 0; i < 10000; i++ {
				go group.Done()
			}
			group.Wait()
		}
		return per(start, 100000)
	}), "ns")
	report("group-1000", median(func() float64 {
		start := time.Now()
		for round := 0; round < 100; round++ {
			var group sync.WaitGroup
			group.Add(1000)
			for i := 0; i < 1000; i++ {
				go group.Done()
			}
			group.Wait()
		}
		return per(start, 100000)
	}), "ns")
}

// --- what two goroutines hand over to each other ---

const moves = 200000

// Both play; the time of a move, or of what so many moves are.
func twoPlay(row string, movesEach int, first, second func(move int)) {
	var group sync.WaitGroup
	report(row, median(func() float64 {
		group.Add(2)
		start := time.Now()
		for _, play := range []func(int){first, second} {
			go func(play func(move int)) {
				for i := 0; i < moves; i++ {
					play(i)
				}
				group.Done()
			}(play)
		}
		group.Wait()
		return per(start, movesEach*moves)
	}), "ns")
}

// A mutex is not handed over: who lets go of it and asks again has it again. A channel is what
// queues are, events between two, and a fair semaphore; there is none without bounds.
func handOver(int) {
	semaphore := make(chan struct{}, 1)
	use := func(move int) {
		semaphore <- struct{}{}
		if move == 0 {
			runtime.Gosched() // the other comes and waits: from now on it is handed over
		}
		<-semaphore
	}
	twoPlay("semaphore-hand-over", 2, use, use)

	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
	ping <- struct{}{}
	twoPlay("queue-hand-over", 2, func(int) { pong <- <-ping }, func(int) { ping <- <-pong })
	for _, capacity := range []int{1, 100} {
		queue := make(chan struct{}, capacity)
		twoPlay(fmt.Sprintf("queue-%d", capacity), 1, func(int) { queue <- struct{}{} },
			func(int) { <-queue })
	}

	event := make(chan struct{})
	close(event)
	report("timeout", median(func() float64 {
		start := time.Now()
		for i := 0; i < moves; i++ {
			scope, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			select {
			case <-event:
			case <-scope.Done():
			}
			cancel()
		}
		return per(start, moves)
	}), "ns")
}

func sleepers(count int) {
	var group sync.WaitGroup
	asleep := 0
	group.Add(count)
	before, start := memory(), time.Now()
	deadline := start.Add(1500*time.Millisecond + time.Duration(count)*5*time.Microsecond)
	for i := 0; i < count; i++ {
		go func() {
			asleep++ // one thread runs them all
			time.Sleep(time.Until(deadline) + time.Duration(rand.Intn(1e8)))
			group.Done()
		}()
	}
	for asleep < count {
		runtime.Gosched()
	}
	taken := per(start, count)
	report(fmt.Sprintf("sleepers-%d-memory", count), (memory()-before)/float64(count), "bytes")
	report(fmt.Sprintf("sleepers-%d-setup", count), taken, "ns")
	startCPU := cpu()
	group.Wait()
	report(fmt.Sprintf("sleepers-%d-wake", count), float64(cpu()-startCPU)/float64(count), "ns")
}

// --- timers ---

// Sleeps without telling the scheduler, so that nothing fires meanwhile.
func block(duration time.Duration) {
	for end := time.Now().Add(duration); time.Now().Before(end); {
		left := syscall.NsecToTimespec(time.Until(end).Nanoseconds())
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&left)), 0, 0)
	}
}

func timers(count int) {
	pending := make([]*time.Timer, count)
	for i := range pending {
		pending[i] = time.AfterFunc(timeouts[i%5], func() {})
	}
	report(fmt.Sprintf("timers-%d-cancel", count), median(func() float64 {
		oldest, start := 0, time.Now()
		for i := 0; i < 200000; i++ {
			pending[oldest].Stop()
			pending[oldest] = time.AfterFunc(timeouts[i%5], func() {})
			oldest = (oldest + 1) % count
		}
		return per(start, 200000)
	}), "ns")
	for _, timer := range pending {
		timer.Stop()
	}

	few := passes
	if count > 10000 {
		few = 1
	}
	report(fmt.Sprintf("timers-%d-expire", count), medianOf(few, func() float64 {
		first := 10*time.Millisecond + time.Duration(count)*time.Microsecond
		span := 20*time.Millisecond + time.Duration(count)*100*time.Nanosecond
		var group sync.WaitGroup
		group.Add(count)
		for i := 0; i < count; i++ {
			time.AfterFunc(first+time.Duration(rand.Int63n(int64(span))), group.Done)
		}
		block(first + span + 5*time.Millisecond)
		start := time.Now()
		group.Wait()
		return per(start, count)
	}), "ns")
}

func futures(count int) {
	before, start := memory(), cpu()
	var group sync.WaitGroup
	group.Add(count)
	for i := 0; i < count; i++ {
		time.AfterFunc(3*time.Second+time.Duration(rand.Intn(1e8)), group.Done)
	}
	looking := cpu()
	report("futures-memory", (memory()-before)/float64(count), "bytes")
	start += cpu() - looking
	group.Wait()
	report("futures-cpu", float64(cpu()-start)/float64(count), "ns")
}

// --- threads: a channel is what one goroutine hands to another ---

func threadsafe(int) {
	runtime.GOMAXPROCS(2)
	report("threadsafe", median(func() float64 {
		calls, ran := make(chan func(), 1024), 0
		start := time.Now()
		go func() {
			for i := 0; i < 100000; i++ {
				calls <- func() { ran++ }
			}
			close(calls)
		}()
		for call := range calls {
			call()
		}
		return per(start, ran)
	}), "ns")
}

// Each of the two in an operating system's thread of its own, as in the other programs.
func channel(int) {
	const capacity, burst, roundTrips = 128, 100000, 500
	runtime.GOMAXPROCS(2)
	runtime.LockOSThread()
	there, back := make(chan int, capacity), make(chan int, capacity)
	go func() {
		runtime.LockOSThread()
		for asked := range there {
			for i := 0; i < asked; i++ {
				back <- i
			}
		}
	}()
	ask := func(count int) {
		there <- count
		for i := 0; i < count; i++ {
			<-back
		}
	}
	report("channel-trip", median(func() float64 {
		start := time.Now()
		for i := 0; i < roundTrips; i++ {
			ask(1)
		}
		return per(start, roundTrips)
	}), "ns")
	report("channel-items", median(func() float64 {
		start := time.Now()
		ask(burst)
		return per(start, burst)
	}), "ns")
	close(there)
}

// --- echo ---

func serve(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, bufferBytes)
	for {
		bytes, err := client.Read(buffer)
		if err != nil {
			return
		}
		if _, err := client.Write(buffer[:bytes]); err != nil {
			return
		}
	}
}

func echo(int) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		if client, err := listener.Accept(); err == nil {
			go serve(client)
		}
	}
}

func main() {
	rows := map[string]func(int){"yield": yield, "spawn": spawn, "sync": handOver,
		"sleepers": sleepers, "timers": timers, "futures": futures, "threadsafe": threadsafe,
		"channel": channel, "echo": echo}
	count := 1
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	runtime.GOMAXPROCS(1)
	rows[os.Args[1]](count)
}
