#!/usr/bin/python3
"""Drivers that must be signed (drivers.trusted_keys): signed as the guide says, with openssl."""
import shutil
import subprocess
import unittest

from common import LANE, harness

MACHINE = (
    '[[machine]]\nname = "good"\ndriver = "misbehaves"\n'
    '[machine.misbehaves]\nhow = "none"\nafter = 1\n'
)
CURVE = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def rsa(bits):
    return ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class SignedDrivers(unittest.TestCase):
    def setUp(self):
        self.plant = harness.Plant("signed")
        self.addCleanup(self.plant.close)
        self.drivers = self.plant.folder / "drivers"
        self.drivers.mkdir()
        self.driver = self.drivers / "misbehaves.so"
        shutil.copy(harness.OUT / "tests" / "drivers" / "misbehaves.so", self.driver)
        self.signature = self.drivers / "misbehaves.so.sig"

    def key(self, name, kind=CURVE):
        """-> (private, public)"""
        private, public = (self.plant.folder / f"{name}{end}" for end in (".key", ".pem"))
        openssl("genpkey", *kind, "-out", private)
        openssl("pkey", "-in", private, "-pubout", "-out", public)
        return private, public

    def sign(self, private):
        openssl("dgst", "-sha256", "-sign", private, "-out", self.signature, self.driver)

    def config(self, *public):
        keys = ", ".join(f'"{path}"' for path in public)
        return (
            f'driver_path = "{self.drivers}"\n[drivers]\ntrusted_keys = [{keys}]\n{LANE}{MACHINE}'
        )

    def check(self, *public):
        """What the core says of a config with these keys; empty: it has no fault."""
        file = self.plant.folder / "check.toml"
        file.write_text("[core]\n" + self.config(*public))
        done = subprocess.run(
            [harness.BIN / "rise-core", "--check", "--config", file],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode == 0, done.stderr == "", done.stderr)
        return done.stderr

    def test_one_that_is_signed_is_loaded(self):
        for kind in (CURVE, rsa(2048)):
            private, public = self.key("maker", kind)
            other = self.key("other")[1]
            self.sign(private)
            with self.subTest(kind[1]):
                self.assertEqual(self.check(public), "")
                self.assertEqual(self.check(other, public), "")

    def test_without_keys_none_needs_to_be_signed(self):  # the control
        self.assertEqual(self.check(), "")

    def test_one_that_is_not_signed_is_refused(self):
        self.assertIn("is not signed: there is no", self.check(self.key("maker")[1]))

    def test_one_that_somebody_else_has_signed_is_refused(self):
        self.sign(self.key("other")[0])
        self.assertIn("not by a key in drivers.trusted_keys", self.check(self.key("maker")[1]))

    def test_one_that_was_changed_is_refused(self):
        private, public = self.key("maker")
        self.sign(private)
        content = self.driver.read_bytes()
        for what, changed in (
            ("a byte more", content + b"\0"),
            ("a byte less", content[:-1]),
            ("a bit", content[:-1] + bytes([content[-1] ^ 1])),
        ):
            with self.subTest(what):
                self.driver.write_bytes(changed)
                self.assertIn("is not what was signed", self.check(public))
        self.driver.write_bytes(content)
        self.assertEqual(self.check(public), "")

    def test_a_signature_that_is_none_is_refused(self):
        private, public = self.key("maker")
        self.sign(private)
        good = self.signature.read_bytes()
        for bad in (b"", b"\0", good[:-1], good + b"\0", b"\xff" * 5000, good[::-1]):
            with self.subTest(bad[:8]):
                self.signature.write_bytes(bad)
                self.assertIn("is not what was signed", self.check(public))

    def test_a_key_that_is_none_is_a_fault_of_the_config(self):
        self.assertIn("cannot be read", self.check("/nonexistent.pem"))
        self.assertRegex(self.check("/nonexistent.pem"), r"check\.toml:4: drivers\.trusted_keys\.0")
        text = self.plant.folder / "text.pem"
        text.write_text("this is no key")
        self.assertIn("is no public key", self.check(text))
        self.assertIn("1024 bits; at least 2048", self.check(self.key("short", rsa(1024))[1]))
        kind = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp192k1")
        self.assertIn("192 bits; at least 224", self.check(self.key("small", kind)[1]))

    def test_a_reload_asks_for_it_as_well(self):
        private, public = self.key("maker")
        self.sign(private)
        core = self.plant.start_core(self.config(public))
        self.plant.start_sidecar()

        def counter():
            return self.plant.signal("good", "counter")["value"]

        harness.wait_until(lambda: counter() is not None, 10, "the machine counts")
        fresh = self.drivers / "new.so"
        fresh.write_bytes(self.driver.read_bytes() + b"\0")
        fresh.replace(self.driver)
        done = self.plant.rise("driver", "reload", "--region", self.plant.region, "misbehaves")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("not reloaded", done.stdout + done.stderr)
        harness.wait_until(
            lambda: "is not what was signed" in core.output(), 10, "words of the core"
        )
        before = counter()
        harness.wait_until(lambda: counter() > before, 10, "the old one goes on")
        self.sign(private)
        done = self.plant.rise("driver", "reload", "--region", self.plant.region, "misbehaves")
        self.assertEqual(done.returncode, 0, done)


if __name__ == "__main__":
    unittest.main()
