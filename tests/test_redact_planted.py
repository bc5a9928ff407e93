"""Planted secrets disappear from captures of every format, and harmless things like them stay."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from urllib.parse import quote

import pytest

from tests.capturing import archive
from xmla_headers.captures import iter_messages, redact

# No six characters of it occur elsewhere.
S = "Kv93-zQ7xW_hJ2mLp"
GUID = "5dfd4d06-12ab-4c3d-9e8f-0011223344aa"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJhbm5AZXhhbXBsZSJ9.c2lnbmVkLWJ5LW5vYm9keS1hdC1hbGw"
NTLM = "TlRMTVNTUAADAAAAGAAYAHoAAAB2AXYBkgAAABIAEgBYAAAACgAKAGoAAAAGAAYAdAAAAA=="
BASIC = b64encode(f"ann:{S}".encode()).decode()
STORAGE = b64encode(bytes(range(190, 254))).decode()

# Header fields of requests.
FIELDS = (
    f"Authorization: Basic {BASIC}",
    f"Authorization: Bearer {S}",
    f"authorization: MwcToken {S}",
    f"Authorization: EmbedToken {S}",
    f"Authorization: Negotiate {NTLM}",
    f"Authorization: NTLM {NTLM}",
    f'Authorization: Digest username="ann", realm="x", nonce="n", response="{S}"',
    f"Authorization: SharedAccessSignature sr=x&sig={S}&se=1",
    f"Authorization: AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/x, Signature={S}",
    f"Proxy-Authorization: Basic {BASIC}",
    f"Proxy-Authorization: NTLM {NTLM}",
    f"WWW-Authenticate: Negotiate {NTLM}",
    f"Authentication-Info: nextnonce={S}",
    f"Cookie: ASP.NET_SessionId={S}; .ASPXAUTH={S}",
    f"Cookie: MDXAUTH={S}",
    f"Cookie: FedAuth={S}; rtFa={S}",
    f"Set-Cookie: JSESSIONID={S}; Path=/; HttpOnly",
    f"Set-Cookie: AppServiceAuthSession={S}; Secure",
    f"X-AS-SessionToken: {S}",
    f"X-AS-SessionID: {S}",
    f"x-ms-xmlasession-id: {S}",
    f"x-ms-xls2stoken: {S}",
    f"X-PowerBI-ResourceKey: {S}",
    f"X-Api-Key: {S}",
    f"Api-Key: {S}",
    f"Ocp-Apim-Subscription-Key: {S}",
    f"x-functions-key: {S}",
    f"X-CSRF-Token: {S}",
    f"X-XSRF-TOKEN: {S}",
    f"RequestVerificationToken: {S}",
    f"X-Auth-Token: {S}",
    f"X-Amz-Security-Token: {S}",
    f"X-MS-TOKEN-AAD-ACCESS-TOKEN: {S}",
    f"X-MS-TOKEN-AAD-REFRESH-TOKEN: {S}",
    f"X-MS-CLIENT-PRINCIPAL: {b64encode(S.encode()).decode()}",
    f"X-MS-Authorization-Auxiliary: Bearer {S}",
    f"X-Forwarded-Client-Cert: Hash={S}",
    f"X-ARR-ClientCert: {S}",
    f"X-Goog-IAP-JWT-Assertion: {JWT}",
    f"Cf-Access-Jwt-Assertion: {JWT}",
    f"DPoP: {JWT}",
    f"X-Original-Token: {JWT}",
    f"X-Custom: {JWT}",
    f"PRIVATE-TOKEN: {S}",
    f"X-Vault-Token: {S}",
    f"X-Password: {S}",
    f"X-Client-Secret: {S}",
    f"X-Hub-Signature-256: sha256={S}",
    f"X-Conn: Data Source=x;User ID=sa;Password={S};Catalog=y",
    f"Referer: https://h/signin?code={S}&state=1",
    f"Referer: https://ann:{S}@h/x",
    f"Location: https://h/cb#access_token={S}&token_type=Bearer",
    f"Location: https://login.example/?id_token={JWT}",
    f"X-Original-URL: /xmla?sig={S}",
    f"Link: <https://h/x?access_token={S}>; rel=next",
    f"SOAPAction: x?token={S}",
    f"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{S}, v1.stomp",
    f"Sec-WebSocket-Protocol: graphql-ws, {S}",
    f"X-Ticket: {S}",
    f"X-SAP-Logon-Ticket: {S}",
    f"X-Signature: {S}",
    f'Signature: keyId="a",signature="{S}"',
    f"X-Authentication: {S}",
    f"X-Dataverse-Key: {S}",
    f"Ocp-Apim-Trace-Key: {S}",
    f"Referer: https://h/a;jsessionid={S}?b=c",
)
# Parameters of a URL or a form.
PARAMETERS = (
    *("access_token", "refresh_token", "id_token", "code", "client_secret", "client_assertion", "assertion"),
    *("sig", "password", "pwd", "passwd", "api_key", "apikey", "subscription-key", "SAMLResponse", "wresult"),
    *("SessionId", "sid", "token", "auth_token", "X-Amz-Signature", "X-Amz-Security-Token", "code_verifier"),
    *("device_code", "oauth_token", "oauth_signature", "ticket", "Signature", "__RequestVerificationToken"),
    *(
        "_csrf",
        "xsrf",
        "state",
        "session_state",
        "RelayState",
        "AWSSecretKey",
        "key",
        "hmac",
        "jwt",
        "secret",
    ),
    *("sso", "saml", "mfa_code", "id_token_hint", "X-Goog-Signature", "SSOTicket"),
)
# Members of JSON.
MEMBERS = (
    *("password", "Password", "pwd", "token", "accessToken", "access_token", "refreshToken", "clientSecret"),
    *(
        "client_secret",
        "apiKey",
        "api-key",
        "secret",
        "secretValue",
        "authorization",
        "cookie",
        "connectionPassword",
    ),
    *(
        "SessionId",
        "sessionToken",
        "EmbedToken",
        "privateKey",
        "sharedAccessKey",
        "accountKey",
        "encryptedCredentials",
    ),
    *(
        "credentials",
        "SAMLResponse",
        "csrfToken",
        "passphrase",
        "aws_secret_access_key",
        "idToken",
        "MDXAUTH",
    ),
    *("pass", "ssoTicket", "X-Goog-Signature", "creds"),
)
# Elements of XML and properties of XMLA.
ELEMENTS = (
    *("Password", "CustomData", "ExtAuthInfo", "AccessToken", "SspiHandshake", "SessionToken", "SessionID"),
    *("wsse:Security", "wsse:BinarySecurityToken", "wsse:Password", "trust:BinarySecret", "saml:Assertion"),
    *("ds:SignatureValue", "xenc:CipherValue", "ApiKey", "ClientSecret", "Pwd", "Secret", "AuthToken"),
    *("RefreshToken", "Credential", "DbPassword", "SESSION_ID", "EncryptedPassword", "AuthorizationToken"),
)
# Text within an XML message.
BODIES = (
    f"<a>Provider=MSOLAP;Data Source=x;User ID=sa;Password={S};Initial Catalog=y</a>",
    f"<a>Data Source=x;Password={S}</a>",
    f"<a>Data Source=x;Password=&quot;{S};&quot;;b=c</a>",
    f"<a>Data Source=x;PWD = {S};b=c</a>",
    f"<a>DefaultEndpointsProtocol=https;AccountName=x;AccountKey={STORAGE};</a>",
    f"<a>Endpoint=sb://x/;SharedAccessKeyName=x;SharedAccessKey={S}=</a>",
    f"<a>https://x.blob.example/c?sv=2022&amp;sig={S}&amp;se=1</a>",
    f"<PropertyName>Password</PropertyName><PropertyType>string</PropertyType><Value>{S}</Value>",
    f"<Property><Name>AccessToken</Name><Value>{S}</Value></Property>",
    f'<add key="ApiSecret" value="{S}"/>',
    f'<setting name="Password"><value>{S}</value></setting>',
    f'<input type="hidden" name="__RequestVerificationToken" value="{S}"/>',
    f'<input type="password" value="{S}" name="p"/>',
    f'<input value="{S}" name="SAMLResponse"/>',
    f"<x Password='{S}'/>",
    f'<x apiKey="{S}"/>',
    f"<x:Session x:SessionId='{S}'/>",
    f"<a><!-- password: {S} --></a>",
    f'<a><![CDATA[{{"connectionString": "Data Source=x;Password={S}"}}]]></a>',
    f'<Statement>{{"credential": {{"Kind": "Key", "Key": "k", "password": "{S}"}}}}</Statement>',
    f"<a>&lt;Password&gt;{S}&lt;/Password&gt;</a>",
    f"<a>&amp;lt;Token&amp;gt;{S}&amp;lt;/Token&amp;gt;</a>",
    f"<a>{JWT}</a>",
    f"<a>Bearer {S}</a>",
    f"<a>Authorization: Basic {BASIC}</a>",
    f"<a>{NTLM}</a>",
    f"<a>{STORAGE}</a>",
    "<a>AKIAABCDEFGHIJKLMNOP</a>",
    "<a>ghp_abcdefghijklmnopqrstuvwxyz0123456789</a>",
    "<a>-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----</a>",
    f"<a>http://ann:{S}@olap.example/xmla</a>",
    f"<row><NAME>Password</NAME><VALUE>{S}</VALUE></row>",
    f"<row><VALUE>{S}</VALUE><NAME>Password</NAME></row>",
    f"<a>sqlcmd -U sa -P {S} -S h</a>",
    f"<a>ascmd -U dom -P '{S}'</a>",
    f"<a>mysql -u sa -p{S}</a>",
    f"<a>The password is {S}</a>",
    f"<Impersonation><Account>sa</Account><Password>{S}</Password></Impersonation>",
)
# Spellings of an id that the same capture declares.
SPELLINGS = {
    "capitals": GUID.upper(),
    "braces": f"{{{GUID}}}",
    "without dashes": GUID.replace("-", ""),
    "percent": quote(f"{{{GUID}}}").replace("-", "%2D"),
    "references": "".join(f"&#x{ord(c):x};" for c in GUID),
    "base64": b64encode(f"SessionId is {GUID}!".encode()).decode(),
    "base64 of capitals": b64encode(GUID.upper().encode()).decode(),
    "base64 of UTF-16": b64encode(GUID.encode("utf-16-le")).decode(),
    "hexadecimal": GUID.encode().hex(),
    "bytes in base64": b64encode(bytes.fromhex(GUID.replace("-", ""))).decode(),
    "bytes of Windows in base64": b64encode(bytes.fromhex("064dfd5dab123d4c9e8f0011223344aa")).decode(),
}

_HIDDEN = (S, JWT, NTLM, BASIC, STORAGE, "AKIAABCDEFGHIJKLMNOP", "ghp_abcdefgh", "MIIEpAIBAAKC", GUID)


def _message(content: str = "<a/>") -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        f'<Session xmlns="urn:schemas-microsoft-com:xml-analysis" SessionId="{GUID}"/></s:Header>'
        f"<s:Body><Execute xmlns='urn:schemas-microsoft-com:xml-analysis'>{content}</Execute></s:Body>"
        "</s:Envelope>"
    )


def _http(
    field: str = "Accept: */*", body: str | None = None, target: str = "/xmla", *, kind: str = "text/xml"
) -> bytes:
    data = (_message() if body is None else body).encode()
    head = f"POST {target} HTTP/1.1\r\nHost: h\r\n{field}\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(data)}\r\n\r\n"
    return (
        head.encode() + data + b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>"
    )


def _har(
    field: str = "Accept: */*",
    body: str | None = None,
    target: str = "/xmla",
    *,
    kind: str = "text/xml",
    coded: bool = False,
) -> bytes:
    name, value = field.split(": ", 1)
    text = _message() if body is None else body
    posted = {"mimeType": kind, "text": b64encode(text.encode()).decode() if coded else text}
    entry = {
        "startedDateTime": "2026-11-02T08:00:00Z",
        "request": {
            "method": "POST",
            "url": f"http://h{target}",
            "headers": [{"name": "Content-Type", "value": kind}, {"name": name, "value": value}],
            "postData": {**posted, "encoding": "base64"} if coded else posted,
        },
        "response": {"status": 200, "headers": [], "content": {"mimeType": "text/xml", "text": "<a/>"}},
    }
    return json.dumps({"log": {"entries": [entry]}}).encode()


def _saz(
    field: str = "Accept: */*", body: str | None = None, target: str = "/xmla", *, kind: str = "text/xml"
) -> bytes:
    request, _, response = _http(field, body, target, kind=kind).rpartition(b"HTTP/1.1 200")
    return archive([("raw/1_c.txt", request), ("raw/1_s.txt", b"HTTP/1.1 200" + response)])


def _log(
    field: str = "Accept: */*", body: str | None = None, target: str = "/xmla", *, kind: str = "text/xml"
) -> bytes:
    text = _message() if body is None else body + _message()
    return (
        f"2026-11-02 08:00:00 DEBUG POST {target} {kind}\n> {field}\n> Host: h\nsent: {text}\ndone\n".encode()
    )


def _lines(
    field: str = "Accept: */*", body: str | None = None, target: str = "/xmla", *, kind: str = "text/xml"
) -> bytes:
    text = _message() if body is None else body + _message()
    row = {"time": "2026-11-02T08:00:00Z", "url": target, "kind": kind, "fields": field, "body": text}
    return json.dumps(row).encode() + b"\n" + json.dumps({"time": 1}).encode() + b"\n"


_WRITERS = {"raw HTTP": _http, "HAR": _har, "Fiddler": _saz, "log": _log, "JSON lines": _lines}


def _layers(data: bytes) -> bytes:
    """Return a capture, what is packed in it, and its messages."""
    members: list[bytes] = []
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            members = [opened.read(name) for name in opened.namelist()]
    return b"\n".join([data, *members, *(message.body for message in iter_messages(data))])


def _check(data: bytes, row: str) -> None:
    before = _layers(data).lower()
    assert any(
        secret.encode().lower() in before or quote(secret).encode().lower() in before for secret in _HIDDEN
    )
    redacted = redact(data)
    left = _layers(redacted.data)
    for secret in _HIDDEN:
        for place in range(len(secret) - 7):
            piece = secret[place : place + 8].encode()
            assert piece.lower() not in left.lower(), (row, piece, redacted.data)
    old, new = list(iter_messages(data)), list(iter_messages(redacted.data))
    assert [m.name for m in old] == [m.name for m in new], row
    assert [[n for n, _ in m.headers] for m in old] == [[n for n, _ in m.headers] for m in new], row
    if data[:2] != b"PK":
        assert redacted.data.count(b"\n") == data.count(b"\n"), row
        assert redacted.data.count(b"\r") == data.count(b"\r"), row
    assert redact(redacted.data).changes == (), row


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_planted_header_field(writer: str) -> None:
    for field in FIELDS:
        _check(_WRITERS[writer](field), field)


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_planted_parameter(writer: str) -> None:
    for name in PARAMETERS:
        _check(_WRITERS[writer](target=f"/xmla?a=b&{name}={S}&c=d"), f"URL {name}")
        _check(_WRITERS[writer](target=f"/xmla?{name}={S}"), f"URL {name}")
        form = f"grant_type=x&{name}={S}&d=e"
        _check(_WRITERS[writer](body=form, kind="application/x-www-form-urlencoded") + b"", f"form {name}")


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_planted_member(writer: str) -> None:
    for name in MEMBERS:
        _check(
            _WRITERS[writer](body=json.dumps({"a": 1, name: S, "b": [{"c": "d"}]}), kind="application/json"),
            name,
        )
        _check(_WRITERS[writer](body=json.dumps({"a": {name: [S]}}), kind="application/json"), name)


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_planted_element(writer: str) -> None:
    for name in ELEMENTS:
        _check(_WRITERS[writer](body=_message(f"<{name}>{S}</{name}><b/>")), name)
        _check(_WRITERS[writer](body=_message(f"<{name} a='b'>\n{S}\n</{name}>")), name)


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_planted_text(writer: str) -> None:
    for body in BODIES:
        _check(_WRITERS[writer](body=_message(body)), body)


@pytest.mark.parametrize("writer", _WRITERS)
def test_redact_leaves_no_spelling_of_an_id(writer: str) -> None:
    for name, spelling in SPELLINGS.items():
        data = _WRITERS[writer](body=_message(f"<x>{spelling}</x>"))
        redacted = _layers(redact(data).data)
        piece = spelling.strip("{}")[4:-4] if "base64" in name else spelling
        assert piece.encode() not in redacted, name


# Things that look like secrets, within an XML message.
HARMLESS = (
    "<KeyPath>C:\\x</KeyPath>",
    "<TokenizerName>standard</TokenizerName>",
    "<KeyColumns><KeyColumn>a</KeyColumn></KeyColumns>",
    "<MEMBER_KEY>4711</MEMBER_KEY>",
    "<MEMBER_KEY>5dfd4d06-12ab-4c3d-9e8f-0011223344ab</MEMBER_KEY>",
    "<CustomerKey>11000</CustomerKey>",
    "<AccountKey>47</AccountKey>",
    "<a>[Account].[AccountKey].&amp;[47]</a>",
    "<a>SELECT [Session].[Session ID].MEMBERS ON 0 FROM [Web]</a>",
    "<a>SELECT [Password].[All] ON 0 FROM [Policies]</a>",
    "<a>WITH MEMBER [Measures].[Token Count] AS 1</a>",
    "<a>KEY0</a>",
    "<a>VisualTotals({[a]}, 'Total - *')</a>",
    "<a>DrilldownLevel({[Code].[All]})</a>",
    "<PasswordPolicy>strong</PasswordPolicy>",
    "<PasswordExpiry>2027-01-01</PasswordExpiry>",
    "<SecurityMode>Integrated</SecurityMode>",
    "<PersistSecurityInfo>True</PersistSecurityInfo>",
    "<a>Integrated Security=SSPI;Persist Security Info=True;Data Source=x</a>",
    "<a>Data Source=x;Initial Catalog=y;Application Name=Token Viewer</a>",
    "<a>Impersonation Level=Impersonate;Protection Level=Pkt Privacy;SSPI=Negotiate</a>",
    "<a>Provider=MSOLAP;Password=;User ID=x</a>",
    "<a>the password is wrong</a>",
    "<a>invalid token: expired</a>",
    "<a>Error code: 0xC1000007</a>",
    "<faultcode>XMLAnalysisError.0xc10c000a</faultcode>",
    '<Error ErrorCode="3238658052" Description="x" Source="y" HelpFile=""/>',
    '<xsd:element sql:field="Password" name="Password" type="xsd:string" minOccurs="0"/>',
    '<xsd:element name="SessionID" type="xsd:string"/>',
    '<xsd:attribute name="SessionId" type="xsd:string" use="required"/>',
    "<PropertyName>Catalog</PropertyName><Value>Depot</Value>",
    "<PropertyName>SessionTimeout</PropertyName><Value>3600</Value>",
    "<SessionTimeout>3600</SessionTimeout>",
    "<token_type>Bearer</token_type>",
    "<token_endpoint>https://login.example/token</token_endpoint>",
    "<max_tokens>100000</max_tokens>",
    "<a>https://login.example/oauth2/token</a>",
    "<a>https://olap.example/xmla?catalog=Depot&amp;page=2</a>",
    "<a>https://olap.example/xmla?code=404</a>",
    "<a>https://olap.example/keys/1</a>",
    "<a>http://olap.example:8080/xmla</a>",
    "<a>ann@example.org</a>",
    "<Cube><ID>5dfd4d06-12ab-4c3d-9e8f-0011223344ab</ID></Cube>",
    "<ActivityID>5DFD4D06-12AB-4C3D-9E8F-0011223344AB</ActivityID>",
    "<RequestID>5DFD4D06-12AB-4C3D-9E8F-0011223344AB</RequestID>",
    "<State>Processed</State>",
    "<StorageMode>Molap</StorageMode>",
    "<Code>DE</Code>",
    "<CODE>ABC-1234567</CODE>",
    "<Signature>Ann Example</Signature>",
    "<Ticket>SUP-1234</Ticket>",
    "<SPID>1234</SPID><SESSION_SPID>12</SESSION_SPID>",
    "<SESSION_STATUS>1</SESSION_STATUS>",
    "<SESSION_LAST_COMMAND>SELECT a FROM b</SESSION_LAST_COMMAND>",
    "<author>Ann Example</author>",
    "<Authority>server</Authority>",
    "<AuthenticationMethod>Windows</AuthenticationMethod>",
    "<KeyNotFound>ReportAndStop</KeyNotFound>",
    "<KeyErrorLimit>0</KeyErrorLimit>",
    "<PRIMARY_KEY>true</PRIMARY_KEY>",
    "<HASH>17</HASH>",
    "<Basic>Basic authentication is off</Basic>",
    "<a>Bearer of bad news</a>",
    "<a>Negotiate a better price</a>",
    "<a>SELECT * FROM $SYSTEM.DISCOVER_SESSIONS WHERE SESSION_STATUS=1</a>",
    "<a>CREATE SESSION CUBE [a] FROM [b]</a>",
    "<a>0123456789abcdef0123456789abcdef</a>",
    f"<a>{'QUJD' * 12}</a>",
    "<BeginSession soap:mustUnderstand='1' xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'/>",
    "<CookieConsent>given</CookieConsent>",
    "<secretary>Bea Example</secretary>",
    "<passenger>Ann Example</passenger><Compass>north</Compass>",
)


def test_redact_takes_little_that_is_harmless() -> None:
    assert len(HARMLESS) >= 60
    taken = []
    for text in HARMLESS:
        data = _message(text).replace(f'SessionId="{GUID}"', "").encode()
        if redact(data).data != data:
            taken.append(text)
    assert len(taken) <= 3, taken
