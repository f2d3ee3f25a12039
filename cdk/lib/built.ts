/** Finds the built functions. Synthesis only packs them and runs no build. */
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { SettingError, type Settings } from './settings.ts';

/** The number of the machine in an ELF header, by architecture (ELF: e_machine). */
const MACHINES = { arm64: 0xb7, x86_64: 0x3e };

/** Returns the folder of a built function, or throws an error of one line with the command that helps. */
export function built(folder: string, name: 'ingress' | 'worker', architecture: Settings['architecture']): string {
  const how = `cargo lambda build --release --locked -p ingress -p worker${architecture === 'arm64' ? ' --arm64' : ''}`;
  const program = join(folder, name, 'bootstrap');
  const header = Buffer.alloc(20);
  try {
    const file = openSync(program, 'r');
    readSync(file, header);
    closeSync(file);
  } catch {
    throw new SettingError(`${program} is not there: build it with "${how}"`);
  }
  if (header.readUInt32BE(0) !== 0x7f454c46 || header.readUInt16LE(18) !== MACHINES[architecture]) {
    throw new SettingError(`${program} is not a program for ${architecture}: build it with "${how}"`);
  }
  try {
    accessSync(program, constants.X_OK);
  } catch {
    throw new SettingError(`${program} is not executable, as after a download: chmod +x ${program}`);
  }
  return join(folder, name);
}
