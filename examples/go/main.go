// A customer's help desk as an inline program of Pulumi's Automation API: go run . up|destroy
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	cloudelements "example.com/pulumi-cloud-elements/sdk/go/cloudelements"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func program(ctx *pulumi.Context) error {
	desk, err := cloudelements.NewElementInstance(ctx, "desk", &cloudelements.ElementInstanceArgs{
		ElementKey: pulumi.String("freshservice"),
		Name:       pulumi.String("acme-desk"),
		Tags:       pulumi.StringArray{pulumi.String("acme")},
		Configuration: pulumi.Map{
			"subdomain": pulumi.String("acme"),
			"username":  pulumi.String("integration"),
			"password":  config.RequireSecret(ctx, "password"),
		},
	})
	if err != nil {
		return err
	}
	found := cloudelements.GetInstanceOutput(ctx, cloudelements.GetInstanceOutputArgs{
		Id: desk.InstanceId,
	})
	ctx.Export("deskToken", desk.ElementToken)
	ctx.Export("deskName", found.Name())
	return nil
}

func run(ctx context.Context, command string) error {
	stack, err := auto.UpsertStackInlineSource(ctx, "dev", "cloud-elements-go", program)
	if err != nil {
		return err
	}
	password := auto.ConfigValue{Value: os.Getenv("DESK_PASSWORD"), Secret: true}
	if err := stack.SetConfig(ctx, "password", password); err != nil {
		return err
	}
	switch command {
	case "up":
		_, err = stack.Up(ctx, optup.ProgressStreams(os.Stdout))
	case "destroy":
		_, err = stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stdout))
	default:
		err = errors.New("usage: go run . up|destroy")
	}
	return err
}

func main() {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	if err := run(context.Background(), command); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
