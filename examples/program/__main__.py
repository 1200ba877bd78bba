"""One component per customer: what a product needs to read that customer's accounts."""

import pulumi

from pulumi_cloud_elements import ElementInstance

config = pulumi.Config()


class Customer(pulumi.ComponentResource):
    """A customer's help desk and shop, ready for calls with their element tokens."""

    def __init__(self, name: str, *, desk: str, shop_url: str, active: bool) -> None:
        super().__init__("example:index:Customer", name)
        self.desk = ElementInstance(
            f"{name}-desk",
            "freshservice",
            tags=[name],
            configuration={
                "subdomain": desk,
                "username": "integration",
                "password": config.require_secret(f"{name}DeskPassword"),
            },
            disabled=not active,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.shop = ElementInstance(
            f"{name}-shop",
            "bigcommerce",
            tags=[name],
            configuration={
                "authentication.type": "basic",
                "store.url": shop_url,
                "username": "integration",
                "password": config.require_secret(f"{name}ShopPassword"),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.desk]),
        )
        self.register_outputs({})


acme = Customer("acme", desk="acme", shop_url="https://shop.example.com", active=True)
pulumi.export("acmeDeskToken", acme.desk.element_token)
pulumi.export("acmeShopToken", acme.shop.element_token)
