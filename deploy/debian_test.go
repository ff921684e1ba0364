package deploy

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.yaml.in/yaml/v3"
)

// nfpm makes the packages inside of goreleaser, and is much sooner compiled. The
// version is that of the goreleaser in the Makefile.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

var install = flag.Bool("install", false, "install the Debian package on this machine, try it and remove it")

// TestDebianPackage builds the Debian package from what .goreleaser.yaml says,
// without goreleaser, and has scripts/package-test install it, run its server
// and remove it.
func TestDebianPackage(t *testing.T) {
	if !*install {
		t.Skip("skipped, because it installs a package on this machine, where other tests run; make deb does it alone")
	}
	t.Logf("%s", runIn(t, "..", "scripts/package-test", buildPackage(t, t.TempDir(), "0.0.1")))
}

// TestProduction follows docs/production.md, from the
// installation to an upgrade, on a copy of this machine that systemd has booted.
func TestProduction(t *testing.T) {
	if !*install {
		t.Skip("skipped, because it takes long and needs root; make deb does it")
	}
	dir := t.TempDir()
	deb, newer := buildPackage(t, dir, "0.0.9"), buildPackage(t, dir, "0.0.10")
	for _, name := range []string{"docs/production.md", "scripts/production-test"} {
		runIn(t, "..", "cp", name, dir)
	}
	c := exec.Command("scripts/booted", dir, "timeout", "15m",
		"./production-test", "production.md", filepath.Base(deb), filepath.Base(newer))
	c.Dir = ".."
	out, err := c.CombinedOutput()
	if c.ProcessState != nil && c.ProcessState.ExitCode() == 77 && os.Getenv("CI") != "true" {
		t.Skipf("skipped: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// buildPackage writes a Debian package of this source into dir.
func buildPackage(t *testing.T, dir, version string) (deb string) {
	t.Helper()
	program, config := filepath.Join(dir, "redistill"), filepath.Join(dir, "nfpm.yaml")
	deb = filepath.Join(dir, "redistill-"+version+".deb")
	runIn(t, "..", "go", "build", "-o", program, ".")
	if err := os.WriteFile(config, nfpmConfig(t, program, version), 0o644); err != nil {
		t.Fatal(err)
	}
	runIn(t, "..", "go", "run", nfpm, "package", "--config", config, "--packager", "deb", "--target", deb)
	return deb
}

// nfpmConfig is the Debian package of .goreleaser.yaml in nfpm's own words.
func nfpmConfig(t *testing.T, program, version string) []byte {
	t.Helper()
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Nfpms []struct {
			Package   string           `yaml:"package_name"`
			Contents  []map[string]any `yaml:"contents"`
			Bindir    string           `yaml:"bindir"`
			Overrides map[string]struct {
				Dependencies []string          `yaml:"dependencies"`
				Scripts      map[string]string `yaml:"scripts"`
			} `yaml:"overrides"`
			Same map[string]any `yaml:",inline"` // what has the same name in nfpm
		} `yaml:"nfpms"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	p := file.Nfpms[0]
	config := p.Same
	delete(config, "formats")
	delete(config, "mtime") // a template
	config["name"], config["version"], config["arch"] = p.Package, version, runtime.GOARCH
	config["depends"], config["scripts"] = p.Overrides["deb"].Dependencies, p.Overrides["deb"].Scripts
	config["contents"] = append(p.Contents, map[string]any{"src": program, "dst": p.Bindir + "/redistill"})
	out, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// runIn runs a command in a directory and returns what it printed.
func runIn(t *testing.T, dir string, words ...string) []byte {
	t.Helper()
	c := exec.Command(words[0], words[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
	return out
}
