// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a fuzz target once for each seed, in builds without libFuzzer (ASan and UBSan of any compiler).
//
// Usage: NAME-replay FOLDER... A broken promise aborts, as in the fuzzer; a folder without a seed is
// an error, so that a test of nothing cannot pass.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  int seeds = 0;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) {
        replay(entry.path());
        ++seeds;
      }
  std::printf("%d seeds\n", seeds);
  return seeds > 0 ? 0 : 1;
}
