// SPDX-License-Identifier: GPL-3.0-or-later
// What smsd says in the journal while a test runs: everything that goes to stderr, kept to be looked at.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace smsd::road {

class Story {
 public:
  Story() : file_(memfd_create("story", MFD_CLOEXEC)), before_(dup(STDERR_FILENO)) {
    dup2(file_, STDERR_FILENO);
  }
  ~Story() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(file_);
  }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  std::string text() const {
    std::string result(static_cast<std::size_t>(lseek(file_, 0, SEEK_END)), '\0');
    result.resize(static_cast<std::size_t>(pread(file_, result.data(), result.size(), 0)));
    return result;
  }
  std::size_t count(std::string_view words) const {
    std::string all = text();
    std::size_t found = 0;
    for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++found;
    return found;
  }

 private:
  int file_;
  int before_;
};

}  // namespace smsd::road
