"""The way from registering to reading a message, through a client that was generated from /openapi.json."""

import importlib
import json
import pkgutil
import sys
from datetime import UTC, datetime
from uuid import uuid4

import secure_messenger_relay_client as relay
from secure_messenger_relay_client.api.auth import auth_login, auth_me, auth_register
from secure_messenger_relay_client.api.keys import keys_get
from secure_messenger_relay_client.api.messages import (
    messages_confirm,
    messages_confirm_many,
    messages_list,
    messages_send,
    messages_status,
)
from secure_messenger_relay_client.api.users import users_find
from secure_messenger_relay_client.models import (
    ConfirmMany,
    Confirmation,
    Confirmations,
    Credentials,
    FoundUser,
    Message,
    MessageStatus,
    MessageStatusStatus,
    Outgoing,
    Page,
    Problem,
    ProblemCode,
    PublicKey,
    Receipt,
    Registration,
    Token,
    User,
)

base_url = sys.argv[1]
anyone = relay.Client(base_url=base_url, raise_on_unexpected_status=True)


def import_every_module() -> int:
    """A generator may write what cannot be imported, and nobody sees it before the module is needed."""
    modules = [module.name for module in pkgutil.walk_packages(relay.__path__, f"{relay.__name__}.")]
    for name in modules:
        importlib.import_module(name)
    return len(modules)


def enter(username: str, password: str) -> tuple[User, relay.AuthenticatedClient]:
    registration = Registration(username=username, password=password, public_key=f"the key of {username}")
    user = auth_register.sync(client=anyone, body=registration)
    assert isinstance(user, User), user
    token = auth_login.sync(client=anyone, body=Credentials(username=username, password=password))
    assert isinstance(token, Token), token
    return user, relay.AuthenticatedClient(
        base_url=base_url, token=token.access_token, raise_on_unexpected_status=True
    )


modules = import_every_module()
suffix = uuid4().hex[:12]
alice, as_alice = enter(f"alice.{suffix}", "correct horse battery")
bob, as_bob = enter(f"bob.{suffix}", "p&s=s+w%rd é€")

me = auth_me.sync(client=as_bob)
assert isinstance(me, User) and me == bob, me

found = users_find.sync(bob.username.upper(), client=as_alice)
assert isinstance(found, FoundUser) and found.user_id == bob.id, found
key = keys_get.sync(found.user_id, client=as_alice)
assert isinstance(key, PublicKey) and key.public_key == bob.public_key, key

receipt = messages_send.sync(
    client=as_alice,
    body=Outgoing(recipient_id=bob.id, ciphertext="only Bob can read this", client_message_id=uuid4()),
)
assert isinstance(receipt, Receipt), receipt

page = messages_list.sync(client=as_bob, limit=10)
assert isinstance(page, Page) and not page.more, page
(message,) = page.messages
assert isinstance(message, Message) and message.id == receipt.id, message
assert message.sender_id == alice.id and message.ciphertext == "only Bob can read this", message
assert abs((datetime.now(UTC) - message.created_at).total_seconds()) < 60, message.created_at

confirmation = messages_confirm.sync(message.id, client=as_bob)
assert isinstance(confirmation, Confirmation), confirmation
status = messages_status.sync(receipt.id, client=as_alice, recipient_id=bob.id)
assert isinstance(status, MessageStatus) and status.status is MessageStatusStatus.DELIVERED, status
assert status.delivered_at == confirmation.delivered_at, status

many = messages_confirm_many.sync(client=as_bob, body=ConfirmMany(ids=[message.id, alice.id]))
assert isinstance(many, Confirmations) and many.delivered == [message.id], many

missing = messages_confirm.sync_detailed(uuid4(), client=as_bob)
assert isinstance(missing.parsed, Problem) and missing.parsed.code is ProblemCode.NOT_FOUND, missing
refused = messages_list.sync(client=relay.AuthenticatedClient(base_url=base_url, token="garbage"))
assert isinstance(refused, Problem) and refused.code is ProblemCode.NOT_AUTHENTICATED, refused
broken = messages_list.sync(client=as_bob, limit=101)
assert isinstance(broken, Problem) and isinstance(broken.errors, list), broken

print(
    json.dumps(
        {
            "every module can be imported": modules > 20,
            "status": status.status,
            "missing": [missing.status_code, missing.parsed.code, missing.parsed.detail],
            "field": broken.errors[0].path,
        }
    )
)
