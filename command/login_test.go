package command

import (
	"bytes"
	"strings"
	"testing"
)

// TestCertificateNamesUser: a certificate stands for the user of its name, if that is asked for, and for nobody else.
func TestCertificateNamesUser(t *testing.T) {
	for _, test := range []struct{ setting, name, want string }{
		{"off", "app", "default"}, {"CN", "app", "app"}, {"CN", "keyless", "keyless"}, {"CN", "default", "default"},
		{"CN", "disabled", ""}, {"CN", "nobody", ""}, {"CN", "APP", ""}, {"CN", "app\x00", ""}, {"CN", "", "default"},
	} {
		var log bytes.Buffer
		srv := newLoggingServer(t, &log, "tls-auth-clients-user "+test.setting)
		admin := connect(t, srv)
		admin.expect("ACL SETUSER app on >x ~a +get +acl|whoami +client|info", "+OK", "ACL SETUSER keyless on +acl|whoami", "+OK",
			"ACL SETUSER disabled off nopass +@all ~*", "+OK")
		c := connect(t, srv)
		c.LoginByCertificate(test.name)
		failed := test.want == ""
		if failed {
			test.want = "default"
		}
		if got := c.do("ACL WHOAMI"); !strings.HasSuffix(got, "\r\n"+test.want+"\r\n") {
			t.Errorf("%+v: the client is %q", test, got)
		}
		counted := strings.Contains(admin.do("INFO stats"), "acl_access_denied_tls_cert:1\r\n")
		entry := strings.Contains(admin.do("ACL LOG"), "reason\r\n$8\r\ntls-cert\r\n$7\r\ncontext\r\n$8\r\ntoplevel\r\n$6\r\nobject\r\n$0\r\n\r\n$8\r\nusername\r\n")
		logged := strings.Contains(log.String(), "login failed")
		if counted != failed || entry != failed || logged != failed {
			t.Errorf("%+v: counted %v, in ACL LOG %v, logged %v", test, counted, entry, logged)
		}
	}
}

// TestCertificateUserLives: a client that came by its certificate is like one that logged in.
func TestCertificateUserLives(t *testing.T) {
	srv := newTestServer(t, "tls-auth-clients-user CN", "requirepass secret")
	admin := connect(t, srv)
	admin.expect("AUTH secret", "+OK", "ACL SETUSER app on ~a +get +set +reset +acl|whoami +client|info", "+OK")
	come := func() *client {
		c := open(t, srv)
		c.LoginByCertificate("app")
		return c
	}
	c := come()
	c.expect("SET a 1", "+OK", "GET b", "-"+string(errNoPermissionForKey), "ACL WHOAMI", "$3 app")
	if got := c.do("CLIENT INFO"); !strings.Contains(got, " user=app ") {
		t.Errorf("CLIENT INFO is %s", got)
	}
	admin.expect("ACL SETUSER app -get", "+OK")
	c.expect("GET a", "-NOPERM User app has no permissions to run the 'get' command")
	admin.expect("ACL SETUSER app off", "+OK")
	c.expect("SET a 2", "+OK", "RESET", "+RESET", "GET a", "-"+string(errNoAuth), "AUTH app x", "-"+string(errWrongPass))
	c.Close()

	admin.expect("ACL SETUSER app on", "+OK")
	c = come()
	defer c.Close()
	admin.expect("ACL DELUSER app", ":1")
	if !c.Killed() {
		t.Error("a client of the user that was deleted is still connected")
	}
	late := come()
	defer late.Close()
	late.expect("GET a", "-"+string(errNoAuth))
}

// TestCertificateWhileTheUserGoes: whoever comes when the user is deleted is not left with it.
func TestCertificateWhileTheUserGoes(t *testing.T) {
	srv := newTestServer(t, "tls-auth-clients-user CN")
	admin := connect(t, srv)
	for range 200 {
		admin.do("ACL SETUSER app on +@all ~*")
		c := open(t, srv)
		parallel(2, func(i int) {
			if i == 0 {
				admin.do("ACL DELUSER app")
			} else {
				c.LoginByCertificate("app")
			}
		})
		if c.user.Load().Name() == "app" && !c.Killed() {
			t.Fatal("a client is a user that was deleted")
		}
		c.Close()
	}
}
