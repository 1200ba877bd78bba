"""What makes a Python program one of the native provider, without a generated SDK."""

MANIFEST = """\
name: native
runtime:
  name: python
  options:
    toolchain: uv
stackConfigDir: stacks
plugins:
  providers:
    - name: cloud-elements
      path: .venv/bin
"""
CLASSES = """
import json
import pulumi

TYPE = "cloud-elements:index:ElementInstance"
OUTPUTS = ("instanceId", "elementToken", "elementName", "valid", "disabled")

class ElementInstance(pulumi.CustomResource):
    def __init__(self, name, opts=None, **props):
        super().__init__(TYPE, name, dict.fromkeys(OUTPUTS) | props, opts)

class Provider(pulumi.ProviderResource):
    def __init__(self, name, **props):
        super().__init__("cloud-elements", name, props)
"""
