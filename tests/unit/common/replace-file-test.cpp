// SPDX-License-Identifier: GPL-3.0-or-later
// A small file that is replaced as a whole.
#include "common/files/replace-file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <system_error>

namespace smsd::files {
namespace {

namespace fs = std::filesystem;

class ReplaceFile : public testing::Test {
 protected:
  ReplaceFile() {
    char pattern[] = "/tmp/smsd-replace-file-XXXXXX";
    folder_ = mkdtemp(pattern);
    file_ = folder_ / "file";
  }
  ~ReplaceFile() override { fs::remove_all(folder_); }

  static std::string contentOf(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_, file_;
};

TEST_F(ReplaceFile, LeavesTheNewContentAloneInTheFolder) {
  for (const char* text : {"a longer text", "short", ""}) {
    replaceFile(file_, text);
    EXPECT_EQ(contentOf(file_), text);
    EXPECT_EQ(entries(), 1u);
  }
}

TEST_F(ReplaceFile, GivesTheFileTheModeWhateverTheUmask) {
  const mode_t before = umask(077);
  replaceFile(file_, "text", 0644);
  umask(before);
  EXPECT_EQ(fs::status(file_).permissions(), static_cast<fs::perms>(0644));
}

TEST_F(ReplaceFile, TakesANameWithoutAFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  EXPECT_NO_THROW(replaceFile("file", "text"));
  fs::current_path(before);
  EXPECT_EQ(contentOf(file_), "text");
}

TEST_F(ReplaceFile, LeavesTheFormerFileIfItFailsAndRemovesItsOwn) {
  fs::create_directories(file_ / "folder");  // no file can take the name of a folder that is not empty
  EXPECT_THROW(replaceFile(file_, "text"), std::system_error);
  EXPECT_TRUE(fs::is_directory(file_));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(ReplaceFile, FollowsNoLinkAndRemovesNone) {
  const fs::path target = folder_ / "of somebody else", link = file_.string() + ".new";
  std::ofstream(target) << "theirs";
  fs::create_symlink(target, link);
  EXPECT_THROW(replaceFile(file_, "text"), std::system_error);
  EXPECT_EQ(contentOf(target), "theirs");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_FALSE(fs::exists(file_));
}

}  // namespace
}  // namespace smsd::files
