#include "core/base/digest.h"

#include <doctest/doctest.h>

using namespace dmskafka;

// FIPS 180-2, appendix B.1, and the well-known digest of nothing.
TEST_CASE("digest: sha256_hex gives the standard's own examples") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// Expected: printf abc | openssl dgst -sha256 -binary | base32 | cut -c1-26
TEST_CASE("digest: a task id is what base32 says of the digest") {
  CHECK(task_id_from("abc") == "XJ4BNP4PAHH6UQKBIDPF3LRCEO");
  CHECK(task_id_from("") == "4OYMIQUY7QOBJGX36TEJS35ZEQ");
}
