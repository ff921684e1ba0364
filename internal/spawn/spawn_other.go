//go:build !linux

package spawn

import "syscall"

func endsWithParent() *syscall.SysProcAttr { return nil }
