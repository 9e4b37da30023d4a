// Package web holds the page that teller serves when the operator has no pages of their own: it binds a SKY address and
// shows how its deposits go on. It is plain HTML, one style sheet and one script without dependencies, talks to the public
// API only, and asks nothing of the browser that the content policy "default-src 'self'" forbids.
package web

import (
	"embed"
	"io/fs"
)

//go:embed page
var embedded embed.FS

// Page is the built-in page's files, with index.html at the root.
func Page() fs.FS {
	files, err := fs.Sub(embedded, "page")
	if err != nil {
		panic(err) // the name is a constant that the compiler has embedded
	}
	return files
}
