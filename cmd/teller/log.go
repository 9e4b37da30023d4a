package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/config"
)

// openLog makes the logger: one line of key=value pairs an event, to the log file or, without one, to standard output.
// On SIGHUP the file is opened anew, so that logrotate can move the old one away.
func openLog(c config.Config) (*slog.Logger, func(), error) {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	path := c.LogPath()
	if path == "" {
		return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: level})), func() {}, nil
	}
	f := &logFile{path: path}
	if err := f.reopen(); err != nil {
		return nil, nil, err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		for range hup {
			if err := f.reopen(); err != nil {
				fmt.Fprintln(os.Stderr, "teller: "+err.Error())
			}
		}
	}()
	fmt.Fprintln(os.Stderr, "teller: logging to "+path)
	done := func() {
		signal.Stop(hup)
		close(hup)
		_ = f.Close()
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})), done, nil
}

// logFile is a file that can be opened anew while it is written to.
type logFile struct {
	path string
	mu   sync.Mutex
	f    io.WriteCloser
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// Close implements io.Closer.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// reopen goes on with the old file when the new one can't be opened.
func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "open the log file: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		_ = l.f.Close()
	}
	l.f = f
	return nil
}
