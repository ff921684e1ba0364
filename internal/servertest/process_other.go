//go:build !linux

package servertest

import "syscall"

// EndsWithParent is nothing here.
func EndsWithParent() *syscall.SysProcAttr { return nil }
