package browser

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/bench"
)

//go:embed probe.js
var probe string

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// seen is what probe.js found.
type seen struct {
	Dark                     bool
	ScrollWidth, ClientWidth int
	Requests                 int
	Charts                   []chart
}

type chart struct {
	ID            string
	Width, Height float64
	Card          string // a colour
	Lines         []struct {
		Width  float64
		Colour string
	}
	Hints                int
	Inks                 []string // the colours of texts
	Outside, Overlapping []string
}

// TestReport: on a wide window and light, and on a narrow one and dark, every chart is there, has lines that fill it, and texts
// that can be read and neither leave it nor lie on each other.
func TestReport(t *testing.T) {
	browser := find(t)
	program := servertest.Program(t)
	for name, test := range map[string]struct {
		args   []string
		charts map[string]int // the least number of lines
	}{
		"one server": {nil, map[string]int{"throughput-over-time": 3, "latency-over-time": 3, "latency-by-percentile": 2}},
		"two servers": {
			[]string{"--compare", program + " serve --bind 127.0.0.1 --port {port} --io portable"},
			map[string]int{"throughput-over-time": 6, "latency-over-time": 2, "latency-by-percentile": 2, "comparison": 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			charts := test.charts
			page := filepath.Join(t.TempDir(), "report.html")
			run(t, program, append([]string{"bench", "--keys", "1000", "--repeat", "3", "--duration", "700ms", "--warmup", "100ms", "--html", page}, test.args...)...)
			for _, test := range []struct {
				dark  bool
				width int
			}{{false, 1200}, {true, 600}} {
				s := look(t, browser, page, test.width, test.dark)
				if s.Dark != test.dark || s.ScrollWidth > s.ClientWidth || s.Requests != 0 || len(s.Charts) != len(charts) {
					t.Fatalf("dark %t, %d wide: got %+v", test.dark, test.width, s)
				}
				for _, c := range s.Charts {
					c.check(t, charts[c.ID])
				}
				last := s.Charts[len(s.Charts)-1]
				requirePixels(t, browser, page, test.dark, last.Lines[0].Colour)
			}
		})
	}
}

// TestFarApart: a comparison in which a server stood still for seconds in some runs has room for its figures.
func TestFarApart(t *testing.T) {
	browser := find(t)
	text, err := os.ReadFile("../../tools/bench/testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.ReadBaseline(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Ratios {
		r.Ratios[i].Min, r.Ratios[i].Median, r.Ratios[i].Max = 22_222.22, 55_555.55, 333_333.33
	}
	page := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.WriteHTML(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	s := look(t, browser, page, 1200, false)
	if len(s.Charts) != 4 {
		t.Fatalf("got %+v", s)
	}
	for _, c := range s.Charts {
		if len(c.Outside) > 0 || len(c.Overlapping) > 0 {
			t.Errorf("%s: texts outside: %q; on each other: %q", c.ID, c.Outside, c.Overlapping)
		}
	}
}

func (c *chart) check(t *testing.T, lines int) {
	t.Helper()
	widest := 0.0
	for _, l := range c.Lines {
		widest = max(widest, l.Width)
		if !(contrast(l.Colour, c.Card) >= 3) {
			t.Errorf("%s: a line of %s on %s cannot be told apart", c.ID, l.Colour, c.Card)
		}
	}
	if len(c.Lines) < lines || lines == 0 || widest < c.Width/20 || c.ID != "comparison" && widest < c.Width/2 {
		t.Errorf("%s: got lines %+v, want at least %d that fill %f", c.ID, c.Lines, lines, c.Width)
	}
	if c.Width < 500 || c.Height < 150 || c.Hints < 5 {
		t.Errorf("%s: it is %f by %f, with %d hints", c.ID, c.Width, c.Height, c.Hints)
	}
	if len(c.Inks) < 2 {
		t.Errorf("%s: there are no texts", c.ID)
	}
	for _, ink := range c.Inks {
		if !(contrast(ink, c.Card) >= 4.5) {
			t.Errorf("%s: texts of %s on %s are hard to read", c.ID, ink, c.Card)
		}
	}
	if len(c.Outside) > 0 || len(c.Overlapping) > 0 {
		t.Errorf("%s: texts outside: %q; on each other: %q", c.ID, c.Outside, c.Overlapping)
	}
}

// find returns the browser's program.
func find(t *testing.T) string {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("Chromium is not installed, and CI needs it")
	}
	t.Skip("skipped, because Chromium is not installed")
	return ""
}

// run returns what a program writes to stdout.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(await.Context(t), program, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, &stderr)
	}
	return out
}

// open runs the browser on a page.
func open(t *testing.T, browser, page string, width int, dark bool, action string) []byte {
	t.Helper()
	return run(t, browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+t.TempDir(),
		fmt.Sprintf("--window-size=%d,1800", width), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", map[bool]int{true: 0, false: 1}[dark]),
		action, "file://"+page)
}

// look runs probe.js in a copy of the page that allows it to.
func look(t *testing.T, browser, page string, width int, dark bool) seen {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`
	if !bytes.Contains(text, []byte(policy)) {
		t.Fatal("the page does not forbid what it does not need")
	}
	probed := strings.Replace(string(text), policy, "", 1)
	probed = strings.Replace(probed, "</body>", "<script>"+probe+"</script></body>", 1)
	copied := filepath.Join(t.TempDir(), "probed.html")
	if err := os.WriteFile(copied, []byte(probed), 0o600); err != nil {
		t.Fatal(err)
	}
	dom := string(open(t, browser, copied, width, dark, "--dump-dom"))
	_, rest, _ := strings.Cut(dom, `<pre id="seen">`)
	found, _, _ := strings.Cut(rest, "</pre>")
	var s seen
	if err := json.Unmarshal([]byte(html.UnescapeString(found)), &s); err != nil {
		t.Fatalf("%v in %.2000s", err, dom)
	}
	return s
}

// requirePixels looks at a picture of the page itself, and wants the colour of a line in it.
func requirePixels(t *testing.T, browser, page string, dark bool, want string) {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "picture.png")
	open(t, browser, page, 1200, dark, "--screenshot="+picture)
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	image, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			c := color.NRGBAModel.Convert(image.At(x, y)).(color.NRGBA)
			if fmt.Sprintf("rgb(%d, %d, %d)", c.R, c.G, c.B) == want {
				n++
			}
		}
	}
	if n < 300 {
		t.Errorf("dark %t: %d pixels of the picture are %s", dark, n, want)
	}
}

// contrast returns that of two colours as CSS writes them, from 1 to 21 (WCAG 2).
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(css string) float64 {
	var r, g, b float64
	if n, err := fmt.Sscanf(css, "rgb(%f, %f, %f)", &r, &g, &b); n != 3 || err != nil {
		return math.NaN()
	}
	linear := func(v float64) float64 {
		if v /= 255; v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		}
		return v / 12.92
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
