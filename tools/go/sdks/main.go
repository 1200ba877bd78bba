// Writes the SDK of one language for a provider's schema: sdks SCHEMA LANGUAGE FOLDER.
//
// `pulumi package gen-sdk` does the same through the language's host, which has to be installed;
// this needs none.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// alone looks for other packages, of which ours uses none: there is nothing to call.
type alone struct{ schema.ReferenceLoader }

const tool = "the Pulumi SDK Generator"

var languages = map[string]func(*schema.Package) (map[string][]byte, error){
	"python": func(p *schema.Package) (map[string][]byte, error) {
		return python.GeneratePackage(tool, p, nil, alone{})
	},
	"nodejs": func(p *schema.Package) (map[string][]byte, error) {
		return nodejs.GeneratePackage(tool, p, nil, nil, true, alone{})
	},
	"go": func(p *schema.Package) (map[string][]byte, error) {
		return golang.GeneratePackage(tool, p, nil)
	},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sdks:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 || languages[arguments[1]] == nil {
		return errors.New("usage: sdks SCHEMA python|nodejs|go FOLDER")
	}
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	bound, diagnostics, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{})
	if err != nil {
		return err
	}
	if diagnostics.HasErrors() {
		return diagnostics
	}
	files, err := languages[arguments[1]](bound)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(arguments[2], filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
