/** Variables about Kafka, which is set up by the file alone: what they say must be what it says. */
import type { Config } from '@secreg/host'
import type { SettingsReader } from './settings-reader.ts'

const ON = /^(?:true|1|yes)$/i
const OFF = /^(?:false|0|no)$/i

/** Refuse what would send events elsewhere than somebody expects, or nowhere. */
export function checkKafkaVariables(
  reader: SettingsReader,
  { kafka }: Pick<Config, 'kafka'>,
): void {
  const enabled = reader.variables.get('ENABLE_KAFKA_PRODUCER')
  if (enabled === undefined) return
  const isOn = ON.test(enabled)
  if (!isOn && !OFF.test(enabled)) {
    reader.faultOf(['ENABLE_KAFKA_PRODUCER'], 'expected true, 1 or yes, or false, 0 or no')
    return
  }
  if (isOn !== kafka.brokers.length > 0) {
    const message = isOn
      ? 'expected kafka.brokers in the file with it'
      : 'expected no kafka.brokers'
    reader.faultOf(['ENABLE_KAFKA_PRODUCER'], `${message}: Kafka is set up there`)
    return
  }
  if (!isOn) return
  const brokers = reader.text('KAFKA_BOOTSTRAP_SERVERS')
  if (brokers !== undefined && !isSame(brokers, kafka.brokers)) {
    reader.faultOf(['KAFKA_BOOTSTRAP_SERVERS'], 'expected what kafka.brokers has in the file')
  }
  const prefix = reader.text('KAFKA_TOPIC_PREFIX')
  if (prefix !== undefined && prefix !== kafka.topicPrefix) {
    reader.faultOf(['KAFKA_TOPIC_PREFIX'], 'expected what kafka.topic_prefix has in the file')
  }
}

function isSame(text: string, brokers: readonly string[]): boolean {
  const named = text.split(',').map((broker) => broker.trim())
  return [...named].sort().join() === [...brokers].sort().join()
}
