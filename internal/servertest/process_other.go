//go:build !linux

package servertest

import "syscall"

// endsWithParent is nothing here.
func endsWithParent() *syscall.SysProcAttr { return nil }
