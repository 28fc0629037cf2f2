// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors

// Calls libcni, the reference implementation of a CNI runtime, for one command:
//
//	cni_driver CACHE CONFLIST ADD|CHECK|DEL CONTAINER NETNS IFNAME CAPABILITIES
//
// CAPABILITIES: JSON object of capability arguments. Plugins are those of CNI_PATH; CNI_ARGS is
// passed on. ADD prints the result.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	list, err := libcni.ConfListFromFile(os.Args[2])
	must(err)
	rt := &libcni.RuntimeConf{ContainerID: os.Args[4], NetNS: os.Args[5], IfName: os.Args[6]}
	must(json.Unmarshal([]byte(os.Args[7]), &rt.CapabilityArgs))
	for _, pair := range strings.FieldsFunc(os.Getenv("CNI_ARGS"), func(c rune) bool { return c == ';' }) {
		key, value, _ := strings.Cut(pair, "=")
		rt.Args = append(rt.Args, [2]string{key, value})
	}
	cni := libcni.NewCNIConfigWithCacheDir(filepath.SplitList(os.Getenv("CNI_PATH")), os.Args[1], nil)
	ctx := context.Background()
	switch os.Args[3] {
	case "ADD":
		result, err := cni.AddNetworkList(ctx, list, rt)
		must(err)
		must(result.Print())
	case "CHECK":
		must(cni.CheckNetworkList(ctx, list, rt))
	case "DEL":
		must(cni.DelNetworkList(ctx, list, rt))
	case "VALIDATE":
		_, err := cni.ValidateNetworkList(ctx, list)
		must(err)
	}
}
