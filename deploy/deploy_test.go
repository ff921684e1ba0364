// Package deploy holds no code: it is where the files of releases lie, and the
// test that they fit together. docs/release.md says how a release is made.
package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/redistill/redistill/test/servertest"
)

// release is what of .goreleaser.yaml names files and other things of the
// repository.
type release struct {
	Builds []struct {
		Ldflags []string
	}
	Archives []struct {
		Files []struct{ Src string }
	}
	Nfpms []struct {
		Bindir    string
		Contents  []content
		Overrides map[string]struct{ Scripts map[string]string }
	}
	Casks []struct {
		Manpages    []string
		Completions map[string]string
	} `yaml:"homebrew_casks"`
	Images []struct{ Dockerfile string } `yaml:"dockers_v2"`
}

type content struct{ Src, Dst, Type, Packager string }

func readRelease(t *testing.T) release {
	t.Helper()
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r release
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Builds) != 1 || len(r.Archives) != 1 || len(r.Nfpms) != 1 || len(r.Casks) != 1 || len(r.Images) != 1 {
		t.Fatalf("this test knows one of each: %+v", r)
	}
	return r
}

// find returns the files of the repository that a pattern names.
func find(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pattern)))
	if err != nil || len(files) == 0 {
		t.Errorf("%s is not there: %v", pattern, err)
	}
	return files
}

func TestFilesAreThere(t *testing.T) {
	r := readRelease(t)
	for _, f := range r.Archives[0].Files {
		find(t, f.Src)
	}
	for _, c := range r.Nfpms[0].Contents {
		find(t, c.Src)
	}
	find(t, r.Images[0].Dockerfile)
	for _, name := range r.Casks[0].Completions {
		find(t, name)
	}
	for _, name := range r.Casks[0].Manpages {
		find(t, name)
	}
	for _, page := range find(t, "man/*.1") {
		name := "man/" + filepath.Base(page)
		if !strings.HasPrefix(name, "man/redistill-completion") && !slices.Contains(r.Casks[0].Manpages, name) {
			t.Errorf("the cask does not install %s", name)
		}
	}
}

func TestScriptsOfPackages(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("skipped, because this system has no shell")
	}
	r := readRelease(t)
	if got := slices.Sorted(maps.Keys(r.Nfpms[0].Overrides)); !slices.Equal(got, []string{"deb", "rpm"}) {
		t.Errorf("packages with scripts: %v", got)
	}
	for _, format := range r.Nfpms[0].Overrides {
		for _, name := range format.Scripts {
			for _, script := range find(t, name) {
				if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			}
		}
	}
}

// TestLinkerSetsVariables: a variable that does not exist would be no error of
// the linker's.
func TestLinkerSetsVariables(t *testing.T) {
	source, err := os.ReadFile("../cmd/version.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, flag := range readRelease(t).Builds[0].Ldflags {
		m := regexp.MustCompile(`-X (\S+)\.(\w+)=`).FindStringSubmatch(flag)
		if m == nil {
			continue
		}
		found++
		if m[1] != "github.com/redistill/redistill/cmd" || !regexp.MustCompile(`(?m)^\t`+m[2]+` +string$`).Match(source) {
			t.Errorf("there is no %s.%s", m[1], m[2])
		}
	}
	if found != 2 {
		t.Errorf("%d variables are set", found)
	}
}

// TestUnit: the unit starts the program where the package puts it, with the
// configuration that it installs, as the user that its scripts make.
func TestUnit(t *testing.T) {
	r := readRelease(t)
	text, err := os.ReadFile("systemd/redistill.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			unit[name] = value
		}
	}
	installed := map[string]bool{}
	for _, c := range r.Nfpms[0].Contents {
		if strings.HasPrefix(c.Type, "config") {
			installed[c.Packager+" "+c.Dst] = true
		}
	}
	command := strings.Fields(unit["ExecStart"])
	if want := path.Join(r.Nfpms[0].Bindir, "redistill"); len(command) != 4 || command[0] != want || command[1] != "serve" || command[2] != "--config" {
		t.Fatalf("ExecStart: got %q", command)
	}
	for _, packager := range []string{"deb", "rpm"} {
		if !installed[packager+" "+command[3]] {
			t.Errorf("the %s does not install %s as a configuration file", packager, command[3])
		}
	}
	for _, script := range []string{"deb/postinst", "rpm/pre"} {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"useradd --system --gid " + unit["Group"], "--home-dir " + unit["WorkingDirectory"] + " ", "\" " + unit["User"] + "\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %q", script, want)
			}
		}
	}
	if unit["WorkingDirectory"] != "/var/lib/"+unit["StateDirectory"] {
		t.Errorf("WorkingDirectory: got %s", unit["WorkingDirectory"])
	}
}

// TestUnitVerifies asks systemd itself, about a unit whose program is there.
func TestUnitVerifies(t *testing.T) {
	analyze := servertest.Tool(t, "systemd-analyze")
	text, err := os.ReadFile("systemd/redistill.service")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "redistill.service")
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(text), "/usr/bin/redistill", analyze)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", name).CombinedOutput()
	if err != nil || strings.Contains(string(out), "redistill.service") { // and not of other units
		t.Errorf("%v: %s", err, out)
	}
}
