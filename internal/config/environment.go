package config

import (
	"slices"
	"strings"
)

// fileVariable names the configuration file. It is no setting.
const fileVariable = "REDISTILL_CONFIG"

// Environment is the environment variables that have a value.
type Environment map[string]string

// ParseEnvironment reads what os.Environ returns. It leaves out empty variables
// and those that Kubernetes sets for its services: beside a service named redis,
// REDIS_PORT is tcp://10.0.0.7:6379.
func ParseEnvironment(environ []string) Environment {
	vars := make(Environment)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if value != "" && !strings.HasPrefix(value, "tcp://") {
			vars[name] = value
		}
	}
	return vars
}

// File returns the configuration file that is named, or nothing.
func (vars Environment) File() string { return vars[fileVariable] }

// Assignments returns at most one for each setting: of several variables the
// first in the table counts.
func (vars Environment) Assignments() []Assignment {
	var list []Assignment
	for _, s := range Settings() {
		for _, name := range s.Env {
			if value, ok := vars[name]; ok {
				source := Source{Origin: FromEnv, Name: name}
				list = append(list, Assignment{Key: s.Key, Text: value, Source: source})
				break
			}
		}
	}
	return list
}

// Warnings names the variables that look like settings but are none. They are
// no errors, since others than the operator add variables too: Kubernetes sets
// REDISTILL_SERVICE_HOST and the like for a service named redistill.
func (vars Environment) Warnings() []string {
	known := map[string]bool{fileVariable: true}
	for _, s := range Settings() {
		for _, name := range s.Env {
			known[name] = true
		}
	}
	var list []string
	for name := range vars {
		kubernetes := strings.Contains(name, "_SERVICE_") || strings.Contains(name, "_PORT_")
		if strings.HasPrefix(name, "REDISTILL_") && !known[name] && !kubernetes {
			list = append(list, "environment variable "+name+" is not a setting and has no effect")
		}
	}
	slices.Sort(list)
	return list
}
