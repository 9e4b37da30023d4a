package pool

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"github.com/skycoin/teller"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lowerCase takes any word of letters and digits for an address and spells it in lower case.
type lowerCase struct{}

func (lowerCase) Parse(address string) (string, error) {
	for _, c := range []byte(address) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return "", teller.Errorf(teller.CodeInvalid, "character %q", c)
		}
	}
	if address == "" {
		return "", teller.Errorf(teller.CodeInvalid, "empty")
	}
	return strings.ToLower(address), nil
}

func readString(path, content string, coin teller.Coin) (*List, error) {
	return read(strings.NewReader(content), path, len(content), coin, lowerCase{})
}

func TestReadAccepts(t *testing.T) {
	for name, tc := range map[string]struct {
		path, content string
		want          []string
	}{
		"text":                 {"a.txt", "aa\nbb\ncc\n", []string{"aa", "bb", "cc"}},
		"no last newline":      {"a.txt", "aa\nbb", []string{"aa", "bb"}},
		"canonical spelling":   {"a.txt", "AA\nBb\n", []string{"aa", "bb"}},
		"comments and blanks":  {"a.txt", "# mine\n\naa\n  \n\t# more\n bb \n", []string{"aa", "bb"}},
		"CRLF":                 {"a.txt", "aa\r\n\r\n# x\r\nbb\r\n", []string{"aa", "bb"}},
		"BOM":                  {"a.txt", "\ufeffaa\nbb\n", []string{"aa", "bb"}},
		"no suffix":            {"addresses", "aa\n", []string{"aa"}},
		"JSON":                 {"a.json", `{"btc_addresses": ["aa", "BB"]}`, []string{"aa", "bb"}},
		"JSON in capitals":     {"a.JSON", `{"btc_addresses": ["aa"]}`, []string{"aa"}},
		"JSON, BOM and CRLF":   {"a.json", "\ufeff{\r\n\"btc_addresses\": [\r\n\"aa\"\r\n]\r\n}\r\n", []string{"aa"}},
		"JSON with other keys": {"a.json", `{"eth_addresses": ["xx"], "note": {"deep": [[1], {}]}, "btc_addresses": ["aa"], "n": null}`, []string{"aa"}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := readString(tc.path, tc.content, teller.BTC)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Collect(list.All()); !slices.Equal(got, tc.want) {
				t.Errorf("read %q, want %q", got, tc.want)
			}
			for i, address := range tc.want {
				if at, ok := list.Index(address); !ok || at != i || list.At(i) != address {
					t.Errorf("%s is at %d, %v; want %d", address, at, ok, i)
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ path, content, want string }{
		"invalid":              {"a.txt", "aa\n# x\nb-b\n", `a.txt:3: "b-b" is no BTC address: character '-'`},
		"comment on the line":  {"a.txt", "aa # mine\n", `a.txt:1: "aa # mine" is no BTC address: character ' '`},
		"duplicate":            {"a.txt", "aa\nbb\n\nAA\n", `a.txt:4: address aa is there twice, first on line 1`},
		"both":                 {"a.txt", "aa\naa\n!\n", "address file a.txt has 2 mistakes:\n\ta.txt:2: address aa is there twice, first on line 1\n\ta.txt:3: \"!\" is no BTC address: character '!'"},
		"empty":                {"a.txt", "", "a.txt:1: the file has no BTC address"},
		"comments only":        {"a.txt", "# one\n# two\n", "a.txt:1: the file has no BTC address"},
		"a long line":          {"a.txt", "aa\n" + strings.Repeat("x", 1<<20), "a.txt:2: the line is longer than 65536 bytes: this is no list of addresses"},
		"a long address":       {"a.txt", strings.Repeat("!", 200), `a.txt:1: "` + strings.Repeat("!", 100) + `"... is no BTC address: character '!'`},
		"JSON in a text file":  {"a.txt", "{\n", `a.txt:1: "{" is no BTC address: character '{'`},
		"text in a JSON file":  {"a.json", "aa\n", "a.json:1: the file is no valid JSON: invalid character 'a' looking for beginning of value"},
		"JSON list":            {"a.json", `["aa"]`, `a.json:1: the file is no JSON object with a list "btc_addresses"`},
		"JSON of another coin": {"a.json", "{\n\"eth_addresses\": []}", `a.json:2: the JSON object has no list "btc_addresses"`},
		"JSON no list":         {"a.json", `{"btc_addresses": "aa"}`, `a.json:1: "btc_addresses" is no list`},
		"JSON empty list":      {"a.json", `{"btc_addresses": []}`, "a.json:1: the file has no BTC address"},
		"JSON two lists":       {"a.json", `{"btc_addresses": ["aa"], "btc_addresses": ["bb"]}`, `a.json:1: "btc_addresses" is there twice`},
		"JSON not closed":      {"a.json", `{"btc_addresses": ["aa"`, "a.json:1: the file ends in the middle of the JSON"},
		"JSON empty":           {"a.json", "", "a.json:1: the file ends in the middle of the JSON"},
		"JSON and more":        {"a.json", "{\"btc_addresses\": [\"aa\"]}\n{}", "a.json:2: something follows after the JSON object"},
		"JSON empty string":    {"a.json", `{"btc_addresses": [""]}`, `a.json:1: element 1: "" is no BTC address: empty`},
		"JSON mistakes": {"a.json", "{\n\"btc_addresses\": [\n\"aa\",\n{\"x\": [1]},\n\"AA\", \"c-\"\n]}\n",
			"address file a.json has 3 mistakes:\n\ta.json:4: element 2: this is no string\n" +
				"\ta.json:5: element 3: address aa is there twice, first on line 3 as element 1\n" +
				"\ta.json:5: element 4: \"c-\" is no BTC address: character '-'"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := readString(tc.path, tc.content, teller.BTC)
			if list != nil || teller.CodeOf(err) != teller.CodeInvalid || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestReadCountsManyMistakes(t *testing.T) {
	var text strings.Builder
	for i := range 5000 { // several batches
		fmt.Fprintf(&text, "!%d\n", i)
	}
	_, err := readString("a.txt", text.String(), teller.ETH)
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 1+maxShown+1 || lines[0] != "address file a.txt has 5000 mistakes:" || lines[21] != "\tand 4980 more" {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	for i, line := range lines[1:21] {
		if want := fmt.Sprintf("\ta.txt:%d: \"!%d\" is no ETH address", i+1, i); !strings.HasPrefix(line, want) {
			t.Errorf("line %d of the error is %q, want %q...", i+1, line, want)
		}
	}
}

func TestReadNamesAReadError(t *testing.T) {
	for _, path := range []string{"a.txt", "a.json"} {
		broken := iotest.ErrReader(errors.New("input/output error"))
		if _, err := read(broken, path, 0, teller.BTC, lowerCase{}); err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "addresses.txt")
	if err := os.WriteFile(path, []byte("aa\nbb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := ReadFile(path, teller.SKY, lowerCase{})
	if err != nil || list.Len() != 2 || list.Coin() != teller.SKY {
		t.Fatalf("ReadFile = %v, %v", list, err)
	}
	if _, err := ReadFile(path+"x", teller.SKY, lowerCase{}); teller.CodeOf(err) != teller.CodeNotFound || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ReadFile(dir, teller.SKY, lowerCase{}); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("a directory: %v", err)
	}
	big, err := os.Create(filepath.Join(dir, "big.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(maxFileSize + 1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(big.Name(), teller.SKY, lowerCase{}); teller.CodeOf(err) != teller.CodeInvalid {
		t.Errorf("a huge file: %v", err)
	}
}

func TestWrite(t *testing.T) {
	addresses := []string{"0x392cded14b8f12cb6cbb1c7922810f4fbd80c3f6", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"}
	var text, object bytes.Buffer
	if err := errors.Join(WriteText(&text, addresses), WriteJSON(&object, teller.ETH, addresses)); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"eth_addresses.txt": text.Bytes(), "eth_addresses.json": object.Bytes()} {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("wrote %s:\n%s\nwant:\n%s", name, got, want)
		}
		list, err := ReadFile(golden, teller.ETH, lowerCase{})
		if err != nil || !slices.Equal(slices.Collect(list.All()), addresses) {
			t.Errorf("%s does not read back: %v, %v", name, list, err)
		}
	}
	var none bytes.Buffer
	if err := WriteJSON(&none, teller.BTC, nil); err != nil || none.String() != "{\n    \"btc_addresses\": []\n}\n" {
		t.Errorf("no addresses: %q, %v", none.String(), err)
	}
}

// FuzzAddressFile reads anything in both forms. What is accepted must read back the same when it is written again.
func FuzzAddressFile(f *testing.F) {
	for _, seed := range []string{
		"", "aa\nbb\n", "# c\r\n\r\nAA\r\n", "\ufeffaa", "aa\naa\n", "a\x00a\n", "\xff\xfe", "\n\n\n",
		`{"btc_addresses": ["aa", "bb"]}`, `{"btc_addresses": [1, null, {"a": []}, "aa", "AA"]}`, `{"a": [[[`, `[]`,
		"{\n\"btc_addresses\":\n[\n\"aa\"\n]\n}\n\n", `{"btc_addresses": []} x`, `{"btc_addresses": ["\u0061"]}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, isJSON bool) {
		path := "a.txt"
		if isJSON {
			path = "a.json"
		}
		list, err := read(bytes.NewReader(content), path, len(content), teller.BTC, lowerCase{})
		if err != nil {
			if teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), path+":") || strings.Count(err.Error(), "\n") > maxShown+1 {
				t.Fatalf("an error that does not say where: %v", err)
			}
			return
		}
		addresses := slices.Collect(list.All())
		if len(addresses) == 0 {
			t.Fatal("accepted a file without an address")
		}
		var again bytes.Buffer
		if isJSON {
			err = WriteJSON(&again, teller.BTC, addresses)
		} else {
			err = WriteText(&again, addresses)
		}
		if err != nil {
			t.Fatal(err)
		}
		reread, err := read(&again, path, again.Len(), teller.BTC, lowerCase{})
		if err != nil || !slices.Equal(slices.Collect(reread.All()), addresses) {
			t.Fatalf("%q does not read back: %v", addresses, err)
		}
	})
}

func TestLines(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    string
		err     string
	}{
		"a.txt":  {"# x\n\nAA\nbb\n", "aa:3 bb:4", ""},
		"a.json": {"{\n\"btc_addresses\": [\"aa\",\n\"bb\"]}", "aa:2 bb:3", ""},
		"b.txt":  {"aa\n!\n", "aa:1", `b.txt:2: "!" is no BTC address`},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := Lines(path, teller.BTC, lowerCase{}, func(address string, line int) { got = append(got, fmt.Sprint(address, ":", line)) })
		if strings.Join(got, " ") != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := Lines(filepath.Join(t.TempDir(), "none"), teller.BTC, lowerCase{}, nil); teller.CodeOf(err) != teller.CodeNotFound {
		t.Errorf("a missing file: %v", err)
	}
}
