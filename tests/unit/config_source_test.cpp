// Where a config comes from.
#include "config/schema/source.hpp"

#include <CppUTest/TestHarness.h>

#include <cstdio>
#include <fstream>

using namespace rise;

namespace {

const char* const kFile = "build/config_source_test.toml";

}  // namespace

TEST_GROUP(ConfigSource){void teardown() override{std::remove(kFile);
}
}
;

TEST(ConfigSource, WithoutAPathItIsTheBuiltInText) {
  const config::Source source = config::read_source("", "(built-in)", "a = 1");
  STRCMP_EQUAL("(built-in)", source.name.c_str());
  STRCMP_EQUAL("a = 1", source.text.c_str());
  STRCMP_EQUAL("", source.fault.c_str());
}

TEST(ConfigSource, AFileIsReadToItsEnd) {
  std::ofstream(kFile) << "a = 1\nb = 2";
  const config::Source source = config::read_source(kFile, "", "");
  STRCMP_EQUAL(kFile, source.name.c_str());
  STRCMP_EQUAL("a = 1\nb = 2", source.text.c_str());
}

TEST(ConfigSource, AnEmptyFileIsAConfigWithoutSettings) {
  std::ofstream(kFile) << "";
  const config::Source source = config::read_source(kFile, "", "built in");
  STRCMP_EQUAL("", source.text.c_str());
  STRCMP_EQUAL("", source.fault.c_str());
}

TEST(ConfigSource, WhatCannotBeReadIsNamedWithTheReason) {
  STRCMP_EQUAL("build/nothing.toml cannot be read: No such file or directory",
               config::read_source("build/nothing.toml", "", "").fault.c_str());
  STRCMP_EQUAL("config cannot be read: Is a directory",
               config::read_source("config", "", "").fault.c_str());
}
