;; Adler-32 of a stretch of memory, 32 bytes a step in 128-bit lanes. Source of the bytes in kernels-wasm.ts (a test proves it).
;;
;; After a stretch of n bytes b[0..n-1]:   a' = a + sum(b[i])   and   b' = b + n*a + sum((n - i) * b[i]).
;; A step of 32 bytes adds 32 * (sum of all bytes before it) and the weighted sum 32*b[0] + 31*b[1] + ... + 1*b[31].
;; 5536 = 173 * 32 is the longest run of whole steps after which no 32-bit sum can have overflowed (zlib's NMAX is 5552).
(module
  (memory (export "memory") 17)                                     ;; 1 MiB window and one page to spare
  (func (export "adler32") (param $at i32) (param $length i32) (param $seed i32) (result i32)
    (local $a i32) (local $b i32) (local $run i32)
    (local $sum v128) (local $before v128) (local $weighted v128) (local $x v128) (local $y v128)
    (local.set $a (i32.and (local.get $seed) (i32.const 0xffff)))
    (local.set $b (i32.shr_u (local.get $seed) (i32.const 16)))
    (block $noMoreRuns
      (loop $nextRun
        (br_if $noMoreRuns (i32.lt_u (local.get $length) (i32.const 32)))
        (local.set $run (i32.and (local.get $length) (i32.const -32)))
        (if (i32.gt_u (local.get $run) (i32.const 5536)) (then (local.set $run (i32.const 5536))))
        (local.set $length (i32.sub (local.get $length) (local.get $run)))
        (local.set $b (i32.add (local.get $b) (i32.mul (local.get $a) (local.get $run))))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $before (v128.const i32x4 0 0 0 0))
        (local.set $weighted (v128.const i32x4 0 0 0 0))
        (loop $step
          (local.set $x (v128.load (local.get $at)))
          (local.set $y (v128.load offset=16 (local.get $at)))
          (local.set $before (i32x4.add (local.get $before) (local.get $sum)))
          (local.set $sum (i32x4.add (local.get $sum)
            (i32x4.extadd_pairwise_i16x8_u (i16x8.add
              (i16x8.extadd_pairwise_i8x16_u (local.get $x)) (i16x8.extadd_pairwise_i8x16_u (local.get $y))))))
          (local.set $weighted (i32x4.add (local.get $weighted) (i32x4.add
            (i32x4.add
              (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $x)) (v128.const i16x8 32 31 30 29 28 27 26 25))
              (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $x)) (v128.const i16x8 24 23 22 21 20 19 18 17)))
            (i32x4.add
              (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $y)) (v128.const i16x8 16 15 14 13 12 11 10 9))
              (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $y)) (v128.const i16x8 8 7 6 5 4 3 2 1))))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $step (local.tee $run (i32.sub (local.get $run) (i32.const 32)))))
        (local.set $weighted (i32x4.add (local.get $weighted) (i32x4.shl (local.get $before) (i32.const 5))))
        (local.set $a (i32.rem_u (i32.add (local.get $a) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
          (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum))))) (i32.const 65521)))
        (local.set $b (i32.rem_u (i32.add (local.get $b) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $weighted)) (i32x4.extract_lane 1 (local.get $weighted)))
          (i32.add (i32x4.extract_lane 2 (local.get $weighted)) (i32x4.extract_lane 3 (local.get $weighted))))) (i32.const 65521)))
        (br $nextRun)))
    (block $done
      (br_if $done (i32.eqz (local.get $length)))
      (loop $byte
        (local.set $a (i32.add (local.get $a) (i32.load8_u (local.get $at))))
        (local.set $b (i32.add (local.get $b) (local.get $a)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $byte (local.tee $length (i32.sub (local.get $length) (i32.const 1))))))
    (i32.or (i32.shl (i32.rem_u (local.get $b) (i32.const 65521)) (i32.const 16)) (i32.rem_u (local.get $a) (i32.const 65521)))))
