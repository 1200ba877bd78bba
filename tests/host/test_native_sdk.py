"""The generated Python SDK, with each version of Pulumi's that the package allows."""

import json
import subprocess
import sys

PROGRAM = """
import json

import pulumi
import pulumi_cloud_elements_native as cloud_elements

seen = []


class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        seen.append([args.typ, args.inputs])
        return "427001", args.inputs | {"elementToken": "token", "instanceId": "427001"}

    def call(self, args):
        seen.append([args.token, args.args])
        return {"instanceId": "427001", "tags": [], "disabled": False, "configuration": {}}


pulumi.runtime.set_mocks(Mocks())


@pulumi.runtime.test
def declare():
    made = cloud_elements.ElementInstance(
        "files",
        element_key="onedrivebusiness",
        code="one-time",
        configuration={"oauth.api.key": "key"},
        events=cloud_elements.EventsArgs(by="polling", every=15),
    )
    found = cloud_elements.get_instance_output(id=made.instance_id)
    return found.instance_id.apply(seen.append)


declare()
print(json.dumps(seen))
"""


def test_what_a_program_declares_arrives():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    [declared, asked, told] = json.loads(done.stdout)
    assert declared[0] == "cloud-elements:index:ElementInstance"
    assert declared[1]["events"] == {"by": "polling", "every": 15}
    assert declared[1]["code"]["value"] == "one-time", "marked as a secret"
    assert asked == ["cloud-elements:index:getInstance", {"id": "427001"}]
    assert told == "427001"
