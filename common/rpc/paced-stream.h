// SPDX-License-Identifier: GPL-3.0-or-later
// A stream that a peer cannot force this process to read byte by byte.
//
// A peer that writes single bytes wakes the loop for each of them. After a read that returned little and less
// than needed, this stream pauses, so that the next read gets all bytes that have come meanwhile. The first
// pause of a message is 1 ms; each further one is twice as long, up to 64 ms. A socket's buffer holds only a
// few hundred single bytes, so that such a peer is blocked most of the time. A peer that writes whole
// messages is never slowed down. Owned by a guarded Channel.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

namespace smsd::rpc {

class PacedStream final : public kj::AsyncIoStream {
 public:
  PacedStream(kj::Own<kj::AsyncIoStream> inner, kj::Timer& timer) : inner_(kj::mv(inner)), timer_(timer) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    return more(static_cast<kj::byte*>(buffer), minBytes, maxBytes, 0, firstPause);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override { return inner_->write(buffer, size); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }

 private:
  static constexpr size_t little = 4096;
  static constexpr auto firstPause = 1 * kj::MILLISECONDS, longestPause = 64 * kj::MILLISECONDS;

  kj::Promise<size_t> more(kj::byte* buffer, size_t minBytes, size_t maxBytes, size_t before,
                           kj::Duration pause) {
    return inner_->tryRead(buffer, 1, maxBytes)
        .then([this, buffer, minBytes, maxBytes, before, pause](size_t n) -> kj::Promise<size_t> {
          if (n == 0 || n >= minBytes) return before + n;
          const bool small = n < little;
          auto rest = [this, buffer, minBytes, maxBytes, before, n,
                       next = small ? kj::min(2 * pause, longestPause) : pause]() {
            return more(buffer + n, minBytes - n, maxBytes - n, before + n, next);
          };
          if (!small) return rest();
          return timer_.afterDelay(pause).then(kj::mv(rest));
        });
  }

  kj::Own<kj::AsyncIoStream> inner_;
  kj::Timer& timer_;
};

}  // namespace smsd::rpc
