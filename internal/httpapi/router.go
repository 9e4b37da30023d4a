package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/skycoin/teller"
)

// endpoint writes an answer, or returns an error before it has written anything. Once it has begun to write, it breaks
// off by returning an errBroken.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// router joins endpoints to paths and answers their errors.
type router struct {
	mux    *http.ServeMux
	logger *slog.Logger
}

func newRouter(logger *slog.Logger) *router {
	rt := &router{mux: http.NewServeMux(), logger: logger}
	rt.mux.Handle("/", rt.endpoint(func(http.ResponseWriter, *http.Request) error {
		return refuse(http.StatusNotFound, "Not found")
	}))
	return rt
}

// get adds an endpoint for GET and HEAD.
func (rt *router) get(path string, e endpoint) { rt.handle(path, e, http.MethodGet, http.MethodHead) }

// post adds an endpoint for POST.
func (rt *router) post(path string, e endpoint) { rt.handle(path, e, http.MethodPost) }

func (rt *router) handle(path string, e endpoint, methods ...string) {
	rt.mux.Handle(path, rt.endpoint(allow(e, methods...)))
}

// allow refuses every other method. The mux could do it too, but not in the API's own words.
func allow(e endpoint, methods ...string) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			return refuse(http.StatusMethodNotAllowed, "Invalid request method")
		}
		return e(w, r)
	}
}

// endpoint makes a handler of an endpoint.
func (rt *router) endpoint(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := e(w, r); err != nil {
			rt.fail(w, r, err)
		}
	})
}

// errBroken is an error in the middle of an answer.
type errBroken struct{ err error }

func (e *errBroken) Error() string { return "answer broken off: " + e.err.Error() }
func (e *errBroken) Unwrap() error { return e.err }

func (rt *router) fail(w http.ResponseWriter, r *http.Request, err error) {
	gone := r.Context().Err() != nil // nobody reads the answer any more, and that is no fault of ours
	if broken, ok := errors.AsType[*errBroken](err); ok {
		if !gone {
			rt.logger.Error("answer broken off", "method", r.Method, "path", r.URL.Path, "err", broken.err)
		}
		panic(http.ErrAbortHandler) // the one way to tell the client that this was not all
	}
	a, fault := answerTo(err)
	if fault && !errors.Is(err, context.Canceled) {
		id := rand.Text()[:12]
		rt.logger.Error("request failed", "request_id", id, "method", r.Method, "path", r.URL.Path, "err", err)
		a.line += " (request " + id + ")"
	}
	writeLine(w, a.status, a.line)
}

// writeLine answers with one line of plain text.
func writeLine(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, oneLine(line)+"\n") // the client may be gone
}

const indent = "    "

// writeJSON answers 200 with v.
func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.MarshalIndent(v, "", indent)
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "render answer: %w", err)
	}
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the client may be gone
	return nil
}

// maxBody bounds what a client may send: no request of this API comes near it.
const maxBody = 4 << 10

// readJSON reads a request's JSON body into v. Fields that v does not have are tolerated, anything behind the value is
// not.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "Invalid content type")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuse(http.StatusRequestEntityTooLarge, "Request body is larger than %d bytes", maxBody)
	}
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if typeErr, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if typeErr.Field == "" {
			return badRequest("Invalid json request body: not an object but a %s", typeErr.Value)
		}
		return badRequest("Invalid json request body: %s is a %s", typeErr.Field, typeErr.Value)
	}
	if err != nil {
		return badRequest("Invalid json request body: %v", err)
	}
	return nil
}

// Content security policies: an API's answer may do nothing in a browser; the page may use what comes with it.
const (
	policyAPI  = "default-src 'none'; frame-ancestors 'none'"
	policyPage = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// secured sets the headers that keep browsers from doing more with an answer than reading it. An empty policy leaves
// the content to the pages themselves.
func secured(next http.Handler, policy string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if policy != "" {
			h.Set("Content-Security-Policy", policy)
		}
		next.ServeHTTP(w, r)
	})
}
