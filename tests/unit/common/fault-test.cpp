// SPDX-License-Identifier: GPL-3.0-or-later
// Faults that no program expected: what is shown of them.
#include "common/fault.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

namespace smsd {
namespace {

namespace fs = std::filesystem;

std::string faultIn(const std::function<void()>& call) {
  try {
    call();
  } catch (const kj::Exception& e) {
    return faultOf(e);
  } catch (const std::exception& e) {
    return faultOf(e);
  }
  return "none";
}

TEST(Fault, IsCalledByItsKindAndNeverByALibrarysWords) {
  auto words = faultIn([] { [[maybe_unused]] auto json = nlohmann::json::parse("hunter2"); });
  EXPECT_TRUE(words.starts_with("an internal error (nlohmann::")) << words;
  EXPECT_EQ(words.find("hunter2"), std::string::npos) << words;
  EXPECT_EQ(faultIn([] { throw Explained("/x: not ours, expected ours"); }), "/x: not ours, expected ours");
  EXPECT_EQ(faultIn([] { throw std::bad_alloc(); }), "there is no memory left");
  EXPECT_EQ(faultIn([] { (void)std::string().at(1); }), "an internal error (std::out_of_range)");
  EXPECT_EQ(faultIn([] { throw std::system_error(ENOSPC, std::generic_category(), "/x"); }),
            "/x: No space left on device");
  EXPECT_EQ(faultIn([] { fs::create_directory("/proc/none/x"); }), "/proc/none/x: No such file or directory");
  EXPECT_EQ(faultIn([] { kj::throwFatalException(explained("the program ended")); }), "the program ended");
  words = faultIn([] { kj::throwFatalException(KJ_EXCEPTION(FAILED, "hunter2")); });
  EXPECT_TRUE(words.starts_with("an internal error (fault-test.cpp:")) << words;
  EXPECT_EQ(faultOf(kj::Exception(kj::Exception::Type::FAILED, "(remote)", 0, kj::str("hunter2"))),
            "the other side had an internal error");
  EXPECT_EQ(faultOf(KJ_EXCEPTION(DISCONNECTED, "hunter2")), "the connection ended");
  EXPECT_EQ(faultOf(KJ_EXCEPTION(OVERLOADED, "hunter2")), "there was no answer in time");
}

}  // namespace
}  // namespace smsd
