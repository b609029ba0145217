#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ronda::base {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ronda-file-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string folder_;
};

TEST_F(FileTest, AllBytesAreRead) {
  std::string text(300'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  EXPECT_EQ(*ReadFile(Write("a", text)), text);
  EXPECT_EQ(*ReadFile(Write("empty", "")), "");
  EXPECT_EQ(*ReadFile(Write("a", text), 1000), text.substr(0, 1000));
}

TEST_F(FileTest, APrivateFileIsTheUsersAloneAndReplacedWhole) {
  const std::string path = Write("secret", "a longer text from before");
  ASSERT_TRUE(WritePrivateFile(path, std::string("new\0", 4)).ok());
  EXPECT_EQ(*ReadFile(path), std::string("new\0", 4));
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto files = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing is left beside it";
  const Status failed = WritePrivateFile(folder_ + "/nowhere/file", "x");
  EXPECT_FALSE(failed.ok());
  EXPECT_NE(failed.message().find("/nowhere/file"), std::string::npos);
}

TEST_F(FileTest, WhatCannotBeReadSaysWhichAndWhy) {
  const auto missing = ReadFile(folder_ + "/nowhere");
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), ::testing::HasSubstr("/nowhere: No such"));
  const auto folder = ReadFile(folder_);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(std::string(folder.status().message()), ::testing::HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace ronda::base
