// Package processtest finds and runs the real nodes that tests are made against, each as a process of its own.
package processtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a running command with its output.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu  sync.Mutex
	out bytes.Buffer
}

// Start runs a binary with variables added to the environment. Whoever starts it stops it.
func Start(t testing.TB, env []string, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", binary, err)
	}
	go func() {
		_ = p.cmd.Wait() // a node that a test kills has no exit status worth knowing
		close(p.done)
	}()
	return p
}

// Write keeps the beginning of the output, where a failing start says why.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out.Len() < 64<<10 {
		p.out.Write(b)
	}
	return len(b), nil
}

// Output is the beginning of what it printed.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Ended reports whether it has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop asks the process to end and kills it when it does not.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // a paused one can not end
	_ = p.cmd.Process.Signal(os.Interrupt)    // it may have ended already
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// Pause returns when every thread of the process has stopped: the signal only asks for it, and a thread that runs meanwhile
// may still answer.
func (p *Process) Pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if Stopped(p.cmd.Process.Pid) {
			return nil
		}
	}
	return errors.New("the node does not stop")
}

// Stopped reports whether every thread of a process has stopped after a SIGSTOP. It reads the state of each, the letter
// behind the command's name in /proc/PID/task/TID/stat (proc(5)).
func Stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, file := range threads {
		var stat []byte
		if stat, err = os.ReadFile(file); err != nil {
			return false
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		if !bytes.HasPrefix(rest, []byte("T")) {
			return false
		}
	}
	return err == nil && len(threads) > 0
}

// Resume wakes a paused process.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
