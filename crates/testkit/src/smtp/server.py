import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


kind, certificate, key, user, password = (sys.argv[1:] + [""] * 5)[:5]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = []
        for part in message.walk():
            if part.is_multipart():
                continue
            seen = {"type": part.get_content_type(), "id": part.get("Content-ID"), "disposition": part.get_content_disposition()}
            if part.get_content_maintype() == "text":
                seen["text"] = part.get_content()
            else:
                seen["bytes"] = len(part.get_content())
                seen["begins"] = part.get_content()[:8].hex()
            parts.append(seen)
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": [[name, str(value)] for name, value in message.items()],
            "parts": parts,
        }))
        if local == "refuse":
            return "550 5.7.1 not wanted here"
        if local == "busy":
            return "451 4.3.0 try again later"
        if local == "drop":
            server.transport.abort()
            return "250 never arrives"
        return "250 2.0.0 queued as 404"


def authenticate(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=known, handled=False)


async def main():
    loop = asyncio.get_running_loop()
    options = {"hostname": "mail.test"}
    outer = None
    if kind != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        options |= {"auth_required": True, "authenticator": authenticate}
        if kind == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        else:
            # The whole connection is encrypted, which aiosmtpd does not see.
            outer, options["auth_require_tls"] = context, False
    server = await loop.create_server(lambda: SMTP(Handler(), **options), "127.0.0.1", 0, ssl=outer)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}))
    await asyncio.Event().wait()


asyncio.run(main())
