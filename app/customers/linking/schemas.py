"""What crosses the wire about account links."""

from typing import Annotated

from pydantic import Field, model_validator

from app.schemas import AccountLinkId, Body, CustomerId, Flag, FriendId, Instant, LineAccountId, Read, example

_CUSTOMER = "01h455vb4pex5vsknk084sn02q"


class AccountLinkCreate(Body):
    """A customer whom the brand's own service has just signed in, and the account that she is to be linked at."""

    model_config = example(customer_id=f"cus_{_CUSTOMER}", line_account_id=f"acc_{_CUSTOMER}", consent=True)

    customer_id: CustomerId
    line_account_id: LineAccountId
    consent: Annotated[
        Flag,
        Field(
            description="Whether she has agreed, on your own page, to be known as one person over LINE accounts. "
            "Needed where the brand has recorded no `joining_basis`."
        ),
    ] = False


class AccountLinkSecret(Read):
    """What goes into the address of LINE's account link dialogue, once."""

    id: AccountLinkId
    nonce: str = Field(examples=["q0yqzjJ3nCwEwXZ1Y0jUuD1d8D6r7V3sL8mQw2b5tHk"])
    expires_at: Instant


class LinkTokenCreate(Body):
    """Whose link token to ask LINE for: a customer who is a friend of the account, or one of its friends."""

    model_config = example(customer_id=f"cus_{_CUSTOMER}")

    customer_id: CustomerId | None = None
    friend_id: FriendId | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "LinkTokenCreate":
        if (self.customer_id is None) == (self.friend_id is None):
            raise ValueError("must name either customer_id or friend_id")
        return self


class LinkToken(Read):
    """LINE's token for its account link dialogue, good once and for ten minutes."""

    link_token: str = Field(examples=["NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"])
    link_url: str = Field(
        description="The dialogue, for a message to her; your page adds `&nonce=` once she has signed in there.",
        examples=["https://access.line.me/dialog/bot/accountLink?linkToken=NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"],
    )
