//go:build !linux

package bench

import "syscall"

func endsWithParent() *syscall.SysProcAttr { return nil }
