import { readFileSync } from 'node:fs';
import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** GET /version, as vLLM has it. */
@ApiTags('vLLM')
@Controller('version')
export class VersionController {
  @Get()
  version(): { version: string } {
    return { version };
  }
}
