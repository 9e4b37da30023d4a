package c2cxsim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// Transport serves HTTP requests in this process, without a network: for runs that must be the same every time. A
// connection that the exchange closes is an error, as it is with a network. The host that is asked for does not matter.
func (s *Server) Transport() http.RoundTripper { return transport{s.Handler()} }

type transport struct{ handler http.Handler }

var errClosed = errors.New("the simulated exchange closed the connection")

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := &recorder{header: make(http.Header)}
	done := make(chan bool, 1)
	go func() { // so that who asks can go before a late request is done
		done <- t.serve(w, r)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case whole := <-done:
		return w.response(r, whole)
	}
}

// serve reports whether the answer was sent to its end.
func (t transport) serve(w *recorder, r *http.Request) (whole bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // it is this very value that is thrown
			panic(p)
		}
	}()
	asked := r.Clone(r.Context())
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, asked)
	return true
}

// recorder is a response being written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) response(r *http.Request, whole bool) (*http.Response, error) {
	if w.status == 0 && !whole {
		return nil, errClosed
	}
	var body io.Reader = &w.body
	length := int64(w.body.Len())
	if !whole {
		body, length = io.MultiReader(body, broken{}), -1
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: io.NopCloser(body), ContentLength: length, Request: r,
	}, nil
}

// broken is the end of a body that never came.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
