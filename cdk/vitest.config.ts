import { defineConfig } from 'vitest/config';

// Synthesis is slow beside a build; nothing here is timed.
export default defineConfig({ test: { include: ['test/*.test.ts'], testTimeout: 60_000 } });
