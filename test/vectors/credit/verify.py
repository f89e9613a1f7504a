#!/usr/bin/env python3
"""Checks the vectors of credit by nothing but docs/credit.md and Python's standard library: its own RFC 8785, its own Ed25519.

    python3 test/vectors/credit/verify.py

It ends with 1 and says what differs as soon as anything does.
"""
import base64
import datetime
import hashlib
import ipaddress
import json
import math
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
checks = 0


def read(name):
    with open(os.path.join(here, name), encoding="utf-8") as file:
        return json.load(file)


def same(what, mine, theirs):
    global checks
    checks += 1
    if mine != theirs:
        sys.exit(f"{what}: {mine!r} here, {theirs!r} in the vectors")


# RFC 8785.

short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def jcs_text(text):
    text.encode("utf-8")  # Refuses halves of surrogate pairs.
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def jcs_number(number):
    if isinstance(number, int) and abs(number) < 10**21:
        return str(number)
    if not math.isfinite(number):
        raise ValueError("not finite")
    if number == 0:
        return "0"
    if number < 0:
        return "-" + jcs_number(-number)
    mantissa, _, exponent = f"{float(number)!r}e0".replace("e0e0", "e0").partition("e")
    exponent = int(exponent.split("e")[0])
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    point = len(whole) + exponent - (len(whole + part) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    sign = "+" if point > 0 else "-"
    return digits[0] + ("." + digits[1:] if count > 1 else "") + "e" + sign + str(abs(point - 1))


def jcs(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return jcs_text(value)
    if isinstance(value, (int, float)):
        return jcs_number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(jcs_text(key) + ":" + jcs(value[key]) for key in keys) + "}"


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def digest(value):
    return base64url(hashlib.sha256(jcs(value).encode("utf-8")).digest())


# Ed25519, by the formulas of RFC 8032, 5.1.

p = 2**255 - 19
order = 2**252 + 27742317777372353535851937790883648493
d = -121665 * pow(121666, p - 2, p) % p


def plus(one, other):
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % p, (y1 + x1) * (y2 + x2) % p
    c, e = 2 * t1 * t2 * d % p, 2 * z1 * z2 % p
    e, f, g, h = b - a, e - c, e + c, b + a
    return e * f % p, g * h % p, f * g % p, e * h % p


def times(n, point):
    result = (0, 1, 1, 0)
    while n > 0:
        if n & 1:
            result = plus(result, point)
        point, n = plus(point, point), n >> 1
    return result


def x_of(y, sign):
    square = (y * y - 1) * pow(d * y * y + 1, p - 2, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if (x * x - square) % p:
        raise ValueError("not a point")
    return p - x if x % 2 != sign else x


by = 4 * pow(5, p - 2, p) % p
base = (x_of(by, 0), by, 1, x_of(by, 0) * by % p)


def pack(point):
    x, y, z, _ = point
    inverse = pow(z, p - 2, p)
    x, y = x * inverse % p, y * inverse % p
    return (y | (x & 1) << 255).to_bytes(32, "little")


def unpack(data):
    n = int.from_bytes(data, "little")
    y, sign = n & (1 << 255) - 1, n >> 255
    x = x_of(y, sign)
    return x, y, 1, x * y % p


def sha512(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def halves(seed):
    hashed = hashlib.sha512(seed).digest()
    return int.from_bytes(hashed[:32], "little") & (1 << 254) - 8 | 1 << 254, hashed[32:]


def public(seed):
    return pack(times(halves(seed)[0], base))


def ed_sign(seed, message):
    scalar, prefix = halves(seed)
    r = sha512(prefix, message) % order
    point = pack(times(r, base))
    s = (r + sha512(point, public(seed), message) * scalar) % order
    return point + s.to_bytes(32, "little")


def ed_verify(key, message, signature):
    if len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= order:
        return False
    try:
        right = plus(unpack(r), times(sha512(r, key, message) % order, unpack(key)))
    except ValueError:
        return False
    return pack(times(s, base)) == pack(right)


# Credit.


def signed(key, purpose, of, signature):
    message = f"holdfast-credit {purpose} {of}".encode()
    return ed_verify(bytes.fromhex(key), message, unbase64url(signature))


def check(what, key, purpose, of, signature):
    same(f"{what}, signed", signed(key, purpose, of, signature), True)
    for other in ("tally", "chit", "lift", "head", "promise", "vote"):
        if other != purpose:
            same(f"{what}, signed as {other}", signed(key, other, of, signature), False)
            break


def vote_digest(plan, ballot, verdict):
    return digest({"plan": plan, "verdict": verdict, "round": ballot["round"], "by": ballot.get("by")})


def chit_id(lift, leg):
    data = bytearray(hashlib.sha256(jcs({"lift": lift, "leg": leg}).encode()).digest()[:16])
    data[6], data[8] = data[6] & 15 | 128, data[8] & 63 | 128
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def nodes_of(plan):
    return list(dict.fromkeys(node for leg in plan["legs"] for node in (leg["from"], leg["to"])))


def is_valid(record):
    plan, ballot, verdict = record["plan"], record["ballot"], record["verdict"]
    of = digest(plan)
    if ballot["round"] == 0 and verdict != "good":
        return False
    if not signed(plan["payorKey"], "lift", of, record["authority"]):
        return False
    voted = vote_digest(of, ballot, verdict)
    agreeing = 0
    for referee in plan["referees"]:
        theirs = [vote for vote in record["votes"] if vote["referee"] == referee["key"]]
        agreeing += any(signed(referee["key"], "vote", voted, vote["sign"]) for vote in theirs)
    if agreeing * 2 <= len(plan["referees"]):
        return False
    if verdict == "void":
        return True
    return all(
        any(one["node"] == node and signed(node, "promise", of, one["sign"]) for one in record["promises"])
        for node in nodes_of(plan)
    )


def host_of(text):
    if text.startswith("[") and text.endswith("]"):
        return str(ipaddress.IPv6Address(text[1:-1])) and text[1:-1]
    parts = text.split(".")
    if len(text) > 253 or not all(re.fullmatch(r"[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?", part) for part in parts):
        raise ValueError("host")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", parts[-1], re.IGNORECASE):
        ipaddress.IPv4Address(text)
    return text


def address(text):
    found = re.fullmatch(r"(?:[cC][hH][iI][pP]://)?([^:@/]+):([^:@/]+)@(\[[^\]]+\]|[^:\[\]@/]+):(\d{1,5})/?", text.strip())
    if found is None:
        raise ValueError("form")
    cuid, agent, host, port = found.groups()
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", cuid):
        raise ValueError("cuid")
    if not re.fullmatch(r"[0-9a-f]{64}", agent):
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}", agent) or base64url(unbase64url(agent)) != agent:
            raise ValueError("agent")
        agent = unbase64url(agent).hex()
    if not 1 <= int(port) <= 65535:
        raise ValueError("port")
    return {"cuid": cuid, "agent": agent, "host": host_of(host), "port": int(port)}


def print_address(chad):
    host = f"[{chad['host']}]" if ":" in chad["host"] else chad["host"]
    return f"{chad['cuid']}:{base64url(bytes.fromhex(chad['agent']))}@{host}:{chad['port']}"


def main():
    for n, one in enumerate(read("canonical.json")):
        same(f"canonical {n}", jcs(one["json"]), one["text"])
        same(f"canonical {n}", digest(one["json"]), one["digest"])

    known = read("keys.json")
    keys, seeds = {}, {}
    for one in known["keys"]:
        seeds[one["name"]] = bytes.fromhex(one["seed"])
        keys[one["name"]] = public(seeds[one["name"]]).hex()
        same(one["name"], keys[one["name"]], one["key"])
        same(one["name"], base64url(bytes.fromhex(one["key"])), one["agent"])
        same(one["name"], hashlib.sha256(f"holdfast-credit sample {one['name']}".encode()).hexdigest(), one["seed"])
    for one in known["signatures"]:
        message = f"holdfast-credit {one['purpose']} {one['digest']}".encode()
        same(one["purpose"], message.hex(), one["bytes"])
        same(one["purpose"], base64url(ed_sign(seeds[one["by"]], message)), one["sign"])
        check(one["purpose"], keys[one["by"]], one["purpose"], one["digest"], one["sign"])

    tally = read("tally.json")
    document = tally["json"]
    same("document", jcs(document), tally["text"])
    same("document", digest(document), tally["digest"])
    for side in ("stock", "foil"):
        check(f"document by {side}", document[side]["cert"]["public"], "tally", tally["digest"], tally["signs"][side])
    position = {"index": 0, "hash": tally["digest"]}
    same("block 0", position, tally["positions"][0])
    for n, chit in enumerate(tally["chits"]):
        core = chit["json"]
        same(f"chit {n}", jcs(core), chit["text"])
        same(f"chit {n}", digest(core), chit["digest"])
        if core["type"] != "lift":
            check(f"chit {n}", document[core["by"]]["cert"]["public"], "chit", chit["digest"], chit["sign"])
        units = 0 if core["type"] == "set" else int(core["units"])
        same(f"chit {n}", str(units if core["by"] == "foil" else -units), tally["effects"][n])
        index = position["index"] + 1
        entry = {"index": index, "prior": position["hash"], "chit": chit["digest"], "sign": chit["sign"]}
        position = {"index": index, "hash": digest(entry)}
        same(f"place {index}", position, tally["positions"][index])
    for head in tally["heads"]:
        of = digest({"tally": document["uuid"], "index": head["index"], "hash": head["hash"]})
        check(f"head {head['index']}", keys[tally["headBy"]], "head", of, head["sign"])

    lift = read("lift.json")
    plan = lift["json"]
    same("plan", jcs(plan), lift["text"])
    same("plan", digest(plan), lift["digest"])
    check("authority", plan["payorKey"], "lift", lift["digest"], lift["authority"])
    same("nodes", nodes_of(plan), lift["nodes"])
    same("majority", len(plan["referees"]) // 2 + 1, lift["majority"])
    for n, (leg, chit) in enumerate(zip(plan["legs"], lift["chits"], strict=True)):
        mine = {key: plan[key] for key in ("lift", "units", "date")}
        mine |= {"type": "lift", "tally": leg["tally"], "by": leg["by"], "leg": n, "uuid": chit_id(plan["lift"], n)}
        same(f"chit of leg {n}", mine, chit)
    for one in lift["promises"]:
        check("promise", one["node"], "promise", lift["digest"], one["sign"])
    for one in lift["votes"]:
        same("vote", vote_digest(lift["digest"], one["ballot"], one["verdict"]), one["digest"])
        check("vote", keys[one["by"]], "vote", one["digest"], one["sign"])
    for one in lift["records"]:
        same(one["what"], is_valid(one["record"]), one["valid"])

    for one in read("addresses.json"):
        try:
            mine = address(one["text"])
        except ValueError:
            mine = None
        same(one["text"], mine, one.get("chad"))
        if mine is not None:
            same(one["text"], print_address(mine), one["printed"])

    for one in read("invitations.json"):
        invitation = one["invitation"]
        text = json.loads(one["text"])
        same("token", text["token"], invitation["token"])
        same("chad", address(text["chad"]), invitation["chad"])
        time = datetime.datetime.fromisoformat(text["expires"].replace("Z", "+00:00"))
        since = time - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
        same("expires", since // datetime.timedelta(milliseconds=1), invitation["expires"])
        same("one line", "\n" in one["text"], False)

    print(f"{checks} checks: the vectors are as docs/credit.md says")


main()
