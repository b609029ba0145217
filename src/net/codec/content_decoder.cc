#include "net/codec/content_decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ronda::net {
namespace {

constexpr std::size_t kMaxStages = 4;
constexpr std::size_t kStageBuffer = 16 * 1024;
constexpr std::size_t kGrowth = 16 * 1024;
constexpr int kAnyHeaderBits = 15 + 32;  // zlib or gzip, told by the first bytes
constexpr int kRawBits = -15;
constexpr std::uint32_t kMaxZstdWindowLog = 27;  // 128 MiB, the library's own default

enum class Coding : std::uint8_t { kGzip, kDeflate, kBrotli, kZstd };

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool Is(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, Lower);
}

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// One coding. `out` and `in` are shortened by what was written and read.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual void Start() = 0;
  [[nodiscard]] virtual base::Status Step(std::string_view& in, std::span<char>& out) = 0;
  // The stream may end here.
  [[nodiscard]] virtual bool AtEnd() const = 0;
};

base::Status Broken(std::string_view coding, std::string_view why) {
  std::string message = "the body is not what Content-Encoding says (";
  message.append(coding).append("): ").append(why);
  return base::DataLoss(std::move(message));
}

// gzip (RFC 1952) and deflate (RFC 9110, 8.4.1.2: zlib around it; some servers leave that out).
class ZlibStage : public Stage {
 public:
  explicit ZlibStage(Coding coding) : coding_(coding) {
    ok_ = inflateInit2(&stream_, kAnyHeaderBits) == Z_OK;
  }
  ZlibStage(const ZlibStage&) = delete;
  ZlibStage& operator=(const ZlibStage&) = delete;
  ~ZlibStage() override {
    if (ok_) inflateEnd(&stream_);
  }

  void Start() override {
    if (ok_) inflateReset2(&stream_, kAnyHeaderBits);
    at_end_ = true;
    started_ = raw_ = done_ = padding_ = false;
  }

  base::Status Step(std::string_view& in, std::span<char>& out) override {
    if (!ok_) return base::ResourceExhausted("no memory for zlib");
    while (!in.empty() && !out.empty()) {
      if (done_) {  // bytes behind the end: another gzip member, or padding, which is ignored
        padding_ |= coding_ != Coding::kGzip || in.front() != '\x1f';
        if (padding_) {
          in = {};
          break;
        }
        inflateReset2(&stream_, kAnyHeaderBits);
        done_ = at_end_ = false;
      }
      if (coding_ == Coding::kDeflate && !started_ && !HasHeader(in.front())) {
        inflateReset2(&stream_, kRawBits);
        raw_ = true;
      }
      started_ = true;
      const std::string_view before = in;
      const int code = Inflate(in, out);
      if (code == Z_STREAM_END) {
        done_ = at_end_ = true;
        continue;
      }
      at_end_ = false;
      if (code != Z_OK && code != Z_BUF_ERROR) return Fail();
      if (in.size() == before.size() && !out.empty()) break;
    }
    return Flush(in, out);
  }

  bool AtEnd() const override { return at_end_; }

 private:
  // The first byte of zlib's header, or of gzip's. No raw stream begins so but by chance of
  // padding.
  static bool HasHeader(char first) { return (first & 0x0f) == Z_DEFLATED || first == '\x1f'; }

  int Inflate(std::string_view& in, std::span<char>& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), 1u << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), 1u << 30));
    const int code = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(
        static_cast<std::size_t>(reinterpret_cast<const char*>(stream_.next_in) - in.data()));
    out = out.subspan(
        static_cast<std::size_t>(reinterpret_cast<char*>(stream_.next_out) - out.data()));
    return code;
  }

  // Output that zlib still holds although all input was read.
  base::Status Flush(std::string_view& in, std::span<char>& out) {
    if (!in.empty() || out.empty() || !started_ || done_) return base::Ok();
    const int code = Inflate(in, out);
    if (code == Z_STREAM_END) done_ = at_end_ = true;
    if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) return Fail();
    return base::Ok();
  }

  base::Status Fail() const {
    return Broken(coding_ == Coding::kGzip ? "gzip"
                  : raw_                   ? "deflate, raw"
                                           : "deflate",
                  stream_.msg != nullptr ? stream_.msg : "bad data");
  }

  Coding coding_;
  z_stream stream_{};
  bool ok_ = false;
  bool at_end_ = true;    // also before the first byte: an empty body is a body
  bool started_ = false;
  bool raw_ = false;
  bool done_ = false;
  bool padding_ = false;  // what follows the last member is not looked at
};

class BrotliStage : public Stage {
 public:
  BrotliStage() = default;
  BrotliStage(const BrotliStage&) = delete;
  BrotliStage& operator=(const BrotliStage&) = delete;
  ~BrotliStage() override { BrotliDecoderDestroyInstance(state_); }

  // The library cannot reset a decoder.
  void Start() override {
    BrotliDecoderDestroyInstance(state_);
    state_ = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    at_end_ = true;
  }

  base::Status Step(std::string_view& in, std::span<char>& out) override {
    if (state_ == nullptr) return base::ResourceExhausted("no memory for brotli");
    if (BrotliDecoderIsFinished(state_)) {
      in = {};
      return base::Ok();
    }
    if (in.empty() && at_end_) return base::Ok();
    std::size_t in_size = in.size(), out_size = out.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out.data());
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_size, &next_in, &out_size, &next_out, nullptr);
    in = in.substr(in.size() - in_size);
    out = out.subspan(out.size() - out_size);
    at_end_ = BrotliDecoderIsFinished(state_);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      return Broken("br", BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state_)));
    }
    return base::Ok();
  }

  bool AtEnd() const override { return at_end_; }

 private:
  BrotliDecoderState* state_ = nullptr;
  bool at_end_ = true;
};

class ZstdStage : public Stage {
 public:
  ZstdStage() : context_(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }
  ZstdStage(const ZstdStage&) = delete;
  ZstdStage& operator=(const ZstdStage&) = delete;
  ~ZstdStage() override { ZSTD_freeDCtx(context_); }

  void Start() override {
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    at_end_ = true;
  }

  base::Status Step(std::string_view& in, std::span<char>& out) override {
    if (in.empty() && at_end_) return base::Ok();
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size) {
      if (at_end_ && input.pos < input.size && !BeginsFrame(in[input.pos])) {
        return Broken("zstd", "not a frame of RFC 8878");
      }
      const std::size_t left = ZSTD_decompressStream(context_, &output, &input);
      if (ZSTD_isError(left)) return Broken("zstd", ZSTD_getErrorName(left));
      at_end_ = left == 0;
      if (input.pos == input.size) break;
    }
    in.remove_prefix(input.pos);
    out = out.subspan(output.pos);
    return base::Ok();
  }

  bool AtEnd() const override { return at_end_; }

 private:
  // The first byte of a frame or of a skippable one (RFC 8878, 3.1). The library would also take the
  // formats that came before the standard.
  static bool BeginsFrame(char first) { return first == '\x28' || (first & 0xf0) == 0x50; }

  ZSTD_DCtx* context_;
  bool at_end_ = true;
};

std::unique_ptr<Stage> Make(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
    case Coding::kDeflate: return std::make_unique<ZlibStage>(coding);
    case Coding::kBrotli: return std::make_unique<BrotliStage>();
    case Coding::kZstd: return std::make_unique<ZstdStage>();
  }
  return nullptr;
}

}  // namespace

struct ContentDecoder::Impl {
  // One of the codings of the body at hand; `held` are bytes for it that the one before it made.
  struct Link {
    Stage* stage = nullptr;
    std::vector<char> buffer;
    std::string_view held;
  };

  [[nodiscard]] base::Status Add(std::string_view name);
  [[nodiscard]] Stage* Take(Coding coding);
  [[nodiscard]] base::Status Run(std::string_view& in, std::span<char>& out);

  std::array<std::vector<std::unique_ptr<Stage>>, 4> made;  // by coding, kept from body to body
  std::array<std::size_t, 4> used{};
  std::array<Link, kMaxStages> links;  // in the order of decoding
  std::size_t count = 0;
  std::uint64_t max_output = 0;
  std::uint64_t output = 0;
};

Stage* ContentDecoder::Impl::Take(Coding coding) {
  const auto kind = static_cast<std::size_t>(coding);
  if (used[kind] == made[kind].size()) made[kind].push_back(Make(coding));
  Stage* stage = made[kind][used[kind]++].get();
  stage->Start();
  return stage;
}

base::Status ContentDecoder::Impl::Add(std::string_view name) {
  if (name.empty() || Is(name, "identity")) return base::Ok();
  if (count == kMaxStages) return base::Unimplemented("more than four content codings");
  Coding coding;
  if (Is(name, "gzip") || Is(name, "x-gzip")) {
    coding = Coding::kGzip;
  } else if (Is(name, "deflate")) {
    coding = Coding::kDeflate;
  } else if (Is(name, "br")) {
    coding = Coding::kBrotli;
  } else if (Is(name, "zstd")) {
    coding = Coding::kZstd;
  } else {
    return base::Unimplemented("unknown content coding \"" + std::string(name.substr(0, 40)) +
                               "\"; known: " + std::string(kAccepted));
  }
  Link& link = links[count++];
  link.stage = Take(coding);
  link.held = {};
  return base::Ok();
}

// Moves bytes through the chain, last link first, until `out` is full or nothing moves any more.
base::Status ContentDecoder::Impl::Run(std::string_view& in, std::span<char>& out) {
  for (bool moved = true; moved && !out.empty();) {
    moved = false;
    for (std::size_t i = count; i-- > 0;) {
      Link& link = links[i];
      std::string_view& input = i == 0 ? in : link.held;
      const std::size_t before = input.size();
      std::span<char> target = out;
      if (i + 1 < count) {
        Link& next = links[i + 1];
        if (!next.held.empty()) continue;
        next.buffer.resize(kStageBuffer);
        target = next.buffer;
      }
      const std::size_t room = target.size();
      RETURN_IF_ERROR(link.stage->Step(input, target));
      const std::size_t written = room - target.size();
      if (i + 1 < count) {
        links[i + 1].held = {links[i + 1].buffer.data(), written};
      } else {
        out = target;
      }
      moved |= written > 0 || input.size() != before;
    }
  }
  return base::Ok();
}

ContentDecoder::ContentDecoder() = default;
ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

base::Status ContentDecoder::Start(std::string_view content_encoding, std::uint64_t max_output) {
  content_encoding = Trim(content_encoding);
  if (impl_ == nullptr) {
    if (content_encoding.empty() || Is(content_encoding, "identity")) return base::Ok();
    impl_ = std::make_unique<Impl>();
  }
  impl_->count = 0;
  impl_->used = {};
  impl_->output = 0;
  impl_->max_output = max_output;
  // The coding that was applied last is named last and undone first.
  while (!content_encoding.empty()) {
    const std::size_t comma = content_encoding.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const base::Status added = impl_->Add(Trim(content_encoding.substr(begin)));
    if (!added.ok()) {
      impl_->count = 0;
      return added;
    }
    content_encoding = content_encoding.substr(0, begin == 0 ? 0 : comma);
  }
  return base::Ok();
}

bool ContentDecoder::identity() const { return impl_ == nullptr || impl_->count == 0; }

std::uint64_t ContentDecoder::output_bytes() const { return impl_ == nullptr ? 0 : impl_->output; }

base::Result<std::size_t> ContentDecoder::Decode(std::string_view& in, std::span<char> out) {
  if (identity()) {
    const std::size_t n = std::min(in.size(), out.size());
    std::copy_n(in.begin(), n, out.data());
    in.remove_prefix(n);
    return n;
  }
  std::span<char> rest = out;
  RETURN_IF_ERROR(impl_->Run(in, rest));
  const std::size_t written = out.size() - rest.size();
  impl_->output += written;
  if (impl_->output > impl_->max_output) {
    return base::ResourceExhausted("the decoded body is larger than the limit of " +
                                   std::to_string(impl_->max_output) + " bytes");
  }
  return written;
}

base::Status ContentDecoder::DecodeTo(std::string_view in, std::string& out) {
  for (;;) {
    const std::size_t before = out.size(), left = in.size();
    out.resize(before + kGrowth);
    const auto written = Decode(in, {out.data() + before, kGrowth});
    out.resize(before + (written.ok() ? *written : 0));
    if (!written.ok()) return written.status();
    if (*written < kGrowth && in.empty()) return base::Ok();
    if (*written == 0 && in.size() == left) return base::DataLoss("the decoder cannot go on");
  }
}

base::Status ContentDecoder::Finish() {
  if (identity()) return base::Ok();
  for (std::size_t i = 0; i < impl_->count; ++i) {
    const Impl::Link& link = impl_->links[i];
    if (!link.stage->AtEnd() || !link.held.empty()) {
      return base::DataLoss("the compressed body stops in the middle");
    }
  }
  return base::Ok();
}

}  // namespace ronda::net
