// Runs a matrix product from an exported library in C++, on the program's own threads.
//
//     dltune matmul m=512 n=512 k=512 --threads 4 --db kernels.db
//     dltune export --threads 4 --db kernels.db --name kernels "matmul m=512 n=512 k=512"
//     c++ -std=c++17 use_exported_threads.cpp -I. -L. -lkernels -pthread -o use_exported_threads
//     ./use_exported_threads
//
// The library starts no threads: it hands its parallel loops to a parallel-for of the program's.
// Here that is a small pool; a program that has one (OpenMP, TBB, its own) adapts that instead.
#include "kernels.h"

#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using Body = void (*)(void *context, long begin, long end, long slot);

// Threads that wait for a loop and do their share of it: an equal part of the trips, always the
// same. The calling thread does the share of slot 0.
class Pool {
  public:
    explicit Pool(int count) : count_(count) {
        for (int slot = 1; slot < count; slot++)
            threads_.emplace_back([this, slot] { wait_and_work(slot); });
    }

    ~Pool() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            ended_ = true;
        }
        begin_.notify_all();
        for (std::thread &thread : threads_)
            thread.join();
    }

    kernels_threads threads() {
        return {this, count_, [](void *pool, Body body, void *context, long count) {
                    static_cast<Pool *>(pool)->run(body, context, count);
                }};
    }

  private:
    void run(Body body, void *context, long count) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            body_ = body;
            context_ = context;
            trips_ = count;
            working_ = count_ - 1;
            loop_++;
        }
        begin_.notify_all();
        work(0);
        std::unique_lock<std::mutex> lock(mutex_);
        end_.wait(lock, [this] { return working_ == 0; });
    }

    void work(int slot) {
        long begin = trips_ * slot / count_, end = trips_ * (slot + 1) / count_;
        if (begin < end)
            body_(context_, begin, end, slot);
    }

    void wait_and_work(int slot) {
        for (std::uint64_t done = 0;; done++) {
            {
                std::unique_lock<std::mutex> lock(mutex_);
                begin_.wait(lock, [&] { return ended_ || loop_ > done; });
                if (ended_)
                    return;
            }
            work(slot);
            std::lock_guard<std::mutex> lock(mutex_);
            if (--working_ == 0)
                end_.notify_one();
        }
    }

    const int count_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable begin_, end_;
    Body body_ = nullptr;
    void *context_ = nullptr;
    long trips_ = 0;
    int working_ = 0;
    std::uint64_t loop_ = 0;
    bool ended_ = false;
};

using Block = std::unique_ptr<void, decltype(&std::free)>;

Block block(std::size_t bytes) {
    return Block(std::aligned_alloc(64, (bytes / 64 + 1) * 64), &std::free);
}

constexpr int size = 512;

bool is_right(const std::vector<float> &a, const std::vector<float> &b,
              const std::vector<float> &c) {
    for (int i = 0; i < 500; i++) {
        int row = i * 7 % size, column = i * 11 % size;
        double sum = 0;
        for (int k = 0; k < size; k++)
            sum += static_cast<double>(a[row * size + k]) * b[k * size + column];
        if (!(std::abs(c[row * size + column] - sum) < 1e-3))
            return false;
    }
    return true;
}

} // namespace

int main() {
    const kernels_kernel *kernel = kernels_find("matmul m=512 n=512 k=512");
    if (!kernel) {
        std::fputs("the library has no kernel for this product\n", stderr);
        return 1;
    }
    Pool pool(4);
    kernels_threads threads = pool.threads();
    Block packed = block(kernels_packed_bytes(kernel));
    Block workspace = block(kernels_workspace_bytes(kernel, threads.thread_count));
    std::vector<float> a(size * size), b(size * size), c(size * size);
    for (int i = 0; i < size * size; i++) {
        a[i] = static_cast<float>(i % 13 - 6) / 8;
        b[i] = static_cast<float>(i % 11 - 5) / 8;
    }
    const void *inputs[] = {a.data(), b.data()};
    int status = kernels_pack(kernel, nullptr, packed.get());
    for (int i = 0; i < 20 && status == kernels_OK; i++)
        status = kernels_run(kernel, inputs, packed.get(), c.data(), workspace.get(), &threads);
    if (status != kernels_OK) {
        std::fputs("the kernel did not run\n", stderr);
        return 1;
    }
    bool right = is_right(a, b, c);
    std::puts(right ? "right" : "WRONG");
    return !right;
}
